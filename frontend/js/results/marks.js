// Figures as small drawings, and the marks of answers. All of them are beside words, so that nobody needs to see them.
import { html, nothing, svg } from "lit";

/** @typedef {import("./model.js").Estimate} Estimate */
/** @typedef {import("./answers.js").Standing} Standing */

const WIDTH = 60;
const HEIGHT = 12;
const EDGE = 4;

/** @type {Record<Standing, string>} */
export const MARKS = {
  right: "✓",
  mended: "◐",
  wrong: "✗",
  absent: "–",
  undecided: "?",
  limit: "▲",
  error: "!",
  unasked: "·",
};

/** A dot on a line from 0 to the most. @param {number} value @param {number} most */
export function dot(value, most) {
  return drawing(at(most > 0 ? value / most : 0));
}

/** A dot and its interval, on a line whose ends are those of all that are compared, as logarithms: twice as much is
 * everywhere the same way. @param {Pick<Estimate, "mean" | "low" | "high">} estimate @param {{ least: number, most: number }} range */
export function interval({ mean, low, high }, { least, most }) {
  const place = (/** @type {number} */ value) =>
    at(most > least ? Math.log(value / least) / Math.log(most / least) : 0.5);
  return drawing(place(mean), [place(low), place(high)]);
}

/** @param {number} share */
const at = (share) => Math.round((EDGE + Math.min(1, Math.max(0, share)) * (WIDTH - 2 * EDGE)) * 10) / 10;

/** @param {number} place @param {[number, number]} [ends] */
function drawing(place, ends) {
  return html`<svg class="figure" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">
    ${svg`<line class="scale" x1="0" x2=${WIDTH} y1="6" y2="6" />`}
    ${ends ? svg`<line class="interval" x1=${ends[0]} x2=${ends[1]} y1="6" y2="6" />` : nothing}
    ${svg`<circle cx=${place} cy="6" r="3.2" />`}
  </svg>`;
}
