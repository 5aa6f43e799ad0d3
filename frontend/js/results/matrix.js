// A table of marks: questions by subjects, in groups. Each mark opens what is behind it.
import { html, nothing } from "lit";
import { t, translated } from "../i18n/i18n.js";
import { MARKS } from "./marks.js";
import { moveAmongCells } from "./roving.js";

/** @typedef {import("./answers.js").Standing} Standing */
/** @typedef {import("./subjects.js").Subject} Subject */
/** @typedef {{ id: string, about: string, group: string, marks: Standing[] }} Row one mark for each subject */
/** @typedef {{ id: string, title: string }} Group */

/**
 * Those of which not all subjects that have an answer have the same.
 * @param {Row[]} rows @returns {Row[]}
 */
export function differing(rows) {
  return rows.filter(
    ({ marks }) => new Set(marks.filter((mark) => !["unasked", "absent", "limit"].includes(mark))).size > 1,
  );
}

/** @param {Subject[]} subjects @param {Group[]} groups @param {Row[]} rows @param {(subject: Subject, row: Row) => void} open */
export function matrix(subjects, groups, rows, open) {
  return html`
    <table class="matrix" @keydown=${moveAmongCells}>
      <thead><tr><td data-column="title"></td>${subjects.map(({ key, title, own }) => html`<th scope="col" data-subject=${key} data-own=${own === "" ? nothing : ""}><span>${title}</span></th>`)}</tr></thead>
      ${groups.map(({ id, title }) => {
        const its = rows.filter(({ group }) => group === id);
        if (its.length === 0) return nothing;
        return html`<tbody>
          <tr class="group"><th scope="rowgroup" colspan=${subjects.length + 1}><span>${title}</span></th></tr>
          ${its.map(
            (row) => html`<tr data-row=${row.id}>
            <th scope="row" title=${translated(row.about).text}><code>${row.id}</code></th>
            ${row.marks.map((mark, place) => html`<td data-subject=${subjects[place].key} data-standing=${mark}>${mark === "unasked" ? html`<span class="no-figure" title=${t("standing.unasked")}>·</span>` : html`<button type="button" data-cell aria-haspopup="dialog" aria-label=${t(`standing.${mark}`)} @click=${() => open(subjects[place], row)}><span aria-hidden="true">${MARKS[mark]}</span></button>`}</td>`)}
          </tr>`,
          )}
        </tbody>`;
      })}
    </table>`;
}

/** What the marks mean. @param {Standing[]} marks */
export function legend(marks) {
  return html`<p class="hint legend">${marks.map((mark) => html`<span data-standing=${mark}><span class="mark" aria-hidden="true">${MARKS[mark]}</span> ${t(`standing.${mark}`)}</span>`)}</p>`;
}
