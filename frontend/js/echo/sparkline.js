// Round-trip times: summed up, and the latest of them as a line.
import { html, svg } from "lit";
import { t } from "../i18n/i18n.js";
import { formatDuration } from "../shared/format.js";
import { summarise } from "../shared/percentiles.js";

const WIDTH = 120;
const HEIGHT = 28;
const DRAWN = 120; // values in the line

/** The longest that the line shows. @param {number[]} values milliseconds @returns {number} 0 where there are none */
export function longest(values) {
  return Math.max(0, ...values.slice(-DRAWN));
}

/**
 * @param {number[]} values at least one
 * @param {number} highest the value at the top: that of the line beside this one, if it goes higher
 * @returns {string} the points of a line as wide as there are values
 */
export function points(values, highest) {
  const step = WIDTH / Math.max(values.length - 1, 1);
  const drawn = values.length === 1 ? [values[0], values[0]] : values;
  const width = values.length === 1 ? WIDTH : step;
  return drawn
    .map((value, i) => `${(i * width).toFixed(1)},${(HEIGHT - 2 - (value / (highest || 1)) * (HEIGHT - 4)).toFixed(1)}`)
    .join(" ");
}

/** @param {number[]} values @param {number} highest as for the points */
export function sparkline(values, highest) {
  if (values.length === 0) {
    return html`<span class="spark" role="img" aria-label=${t("rtt.none")}></span>`;
  }
  const { count, ...times } = summarise(values);
  const written = Object.entries(times).map(([name, time]) => [name, formatDuration(time)]);
  const shown = { ...Object.fromEntries(written), count };
  return html`
    <span class="spark" role="img" aria-label=${t("rtt.label", shown)}>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
        ${svg`<polyline points=${points(values.slice(-DRAWN), highest)} />`}
      </svg>
    </span>
    <small aria-hidden="true">${t("rtt.short", shown)}</small>`;
}
