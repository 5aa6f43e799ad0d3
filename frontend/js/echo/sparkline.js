// Round-trip times: summed up, and the latest of them as a line.
import { html, svg } from "lit";
import { t } from "../i18n/i18n.js";
import { formatDuration } from "../shared/format.js";

const WIDTH = 120;
const HEIGHT = 28;
const DRAWN = 120; // values in the line

/** The longest that the line shows. @param {number[]} values milliseconds @returns {number} 0 where there are none */
export function longest(values) {
  return Math.max(0, ...values.slice(-DRAWN));
}

/**
 * Percentiles by nearest rank: the smallest value that so many of all are not above.
 * @param {number[]} values milliseconds, at least one
 */
export function summarise(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const percentile = (/** @type {number} */ p) => sorted[Math.ceil((p / 100) * sorted.length) - 1];
  return {
    last: values[values.length - 1],
    p50: percentile(50),
    p95: percentile(95),
    longest: sorted[sorted.length - 1],
    count: values.length,
  };
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
