// The latest round-trip times as a line.
import { html, svg } from "lit";
import { t } from "../i18n/i18n.js";
import { formatDuration } from "../shared/format.js";

const WIDTH = 120;
const HEIGHT = 28;

/** @param {number[]} values milliseconds, at least one */
export function summarise(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    last: values[values.length - 1],
    median: sorted[sorted.length >> 1],
    longest: sorted[sorted.length - 1],
    count: values.length,
  };
}

/** @param {number[]} values @returns {string} the points of a line as wide as there are values, as high as the longest */
export function points(values) {
  const longest = Math.max(...values) || 1;
  const step = WIDTH / Math.max(values.length - 1, 1);
  const drawn = values.length === 1 ? [values[0], values[0]] : values;
  const width = values.length === 1 ? WIDTH : step;
  return drawn
    .map((value, i) => `${(i * width).toFixed(1)},${(HEIGHT - 2 - (value / longest) * (HEIGHT - 4)).toFixed(1)}`)
    .join(" ");
}

/** @param {number[]} values */
export function sparkline(values) {
  if (values.length === 0) {
    return html`<span class="spark" role="img" aria-label=${t("rtt.none")}></span>`;
  }
  const { last, median, longest, count } = summarise(values);
  const shown = { last: formatDuration(last), median: formatDuration(median), longest: formatDuration(longest), count };
  return html`
    <span class="spark" role="img" aria-label=${t("rtt.label", shown)}>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
        ${svg`<polyline points=${points(values)} />`}
      </svg>
    </span>
    <small aria-hidden="true">${t("rtt.short", shown)}</small>`;
}
