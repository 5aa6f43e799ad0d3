// The last minute of one listener as a picture: when it asked or was connected, when something was said, and when it
// heard that.
import { svg } from "lit";

/** @typedef {import("./hearing.js").Hearing} Hearing */

/** How much time is drawn, in milliseconds. */
export const SHOWN = 60_000;
export const WIDTH = 600;
const HEIGHT = 44;
const SAID = 8; // where it was said,
const LINE = 32; // and where it is heard: on the line of requests
const LEAST = 2; // a request is at least so wide

/** @param {number} time @param {number} now @returns {number} */
export function place(time, now) {
  return Math.max(0, WIDTH - ((now - time) / SHOWN) * WIDTH);
}

/** @param {Hearing} hearing @param {number} now by performance.now() @param {string} label */
export function lane(hearing, now, label) {
  const since = now - SHOWN;
  const spans = hearing.spans.filter(({ to }) => to === null || to > since);
  const moments = hearing.moments.filter(({ heard }) => heard > since);
  return svg`<svg class="lane" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${label}>
    <line class="rail" x1="0" y1=${LINE} x2=${WIDTH} y2=${LINE} />
    ${spans.map(({ from, to }) => {
      const [begin, end] = [place(from, now), place(to ?? now, now)];
      return svg`<rect class="request" x=${begin} y=${LINE - 3} width=${Math.max(LEAST, end - begin)} height="6" />`;
    })}
    ${moments.map(({ said, heard }) => {
      const [from, to] = [place(said, now), place(heard, now)];
      return svg`<path class="late" d="M${from} ${SAID}V${LINE}H${to}" /><line class="said" x1=${from} y1=${SAID - 5} x2=${from} y2=${SAID + 5} /><line class="heard" x1=${to} y1=${LINE - 8} x2=${to} y2=${LINE + 8} />`;
    })}
  </svg>`;
}
