// How a cell of Compare shows its value.
import { html } from "lit";
import { COLUMNS } from "./columns.js";
import { language, t } from "../i18n/i18n.js";
import { formatFigure, formatQuantity } from "../results/figures.js";
import { dot, interval } from "../results/marks.js";
import { formatDay } from "../shared/format.js";

/** @typedef {import("./columns.js").Context} Context */
/** @typedef {import("./columns.js").Value} Value */
/** @typedef {import("../results/subjects.js").Subject} Subject */
/** @typedef {{ least: number, most: number }} Range */

/** From the least to the most of each column, for the drawings. @param {Subject[]} subjects @param {string[]} columns
 * @param {Context} context @returns {Map<string, Range>} */
export function rangesOf(subjects, columns, context) {
  return new Map(
    columns.map((column) => {
      const values = subjects.map((subject) => COLUMNS[column].value(subject, context));
      const ends = values.flatMap(({ sort, estimate }) =>
        estimate ? [estimate.low, estimate.high] : typeof sort === "number" ? [sort] : [],
      );
      return [column, { least: Math.min(...ends), most: Math.max(...ends) }];
    }),
  );
}

/** @param {string} column @param {Value} value @param {Range} [range] */
export function cellOf(column, value, range = { least: 0, most: 0 }) {
  const { state, sort, of, estimate } = value;
  if (state === "unmeasured") return html`<span class="no-figure">${t("cell.unmeasured")}</span>`;
  if (state === "withheld") return html`<span class="no-figure">${t("cell.withheld")}</span>`;
  if (state === "none") return html`<span class="no-figure">–</span>`;
  const { shows } = COLUMNS[column];
  if (shows === "count") {
    const number = /** @type {number} */ (sort);
    return html`<span class="value">${number}${of ? html`<small> / ${of}</small>` : ""}</span>${dot(number, range.most)}`;
  }
  if (shows === "cost") {
    const mean = /** @type {number} */ (sort);
    const drawn = estimate ?? { mean, low: mean, high: mean };
    return html`<span class="value">${formatQuantity(column, mean, language())}</span>${interval(drawn, range)}`;
  }
  return html`<span class="value">${word(column, value)}</span>`;
}

/** @param {string} column @param {Value} value @returns {string} */
export function word(column, { word, sort }) {
  if (word) return t(word);
  if (column === "largest") return formatQuantity(column, Number(sort), language());
  if (column === "released") return formatDay(new Date(Number(sort)).toISOString().slice(0, 10), language());
  return typeof sort === "number" ? formatFigure(sort, language()) : String(sort ?? "–");
}
