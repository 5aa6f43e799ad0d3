// How the stacks fare in the Autobahn Testsuite: by category, and in one category case by case. Loaded when first shown.
import { html, nothing } from "lit";
import "../results/add-own.js";
import "../results/drawer.js";
import { byCategory, rowsOf } from "./rows.js";
import { t } from "../i18n/i18n.js";
import { casesOf } from "../results/answers.js";
import { dot } from "../results/marks.js";
import { differing, legend, matrix } from "../results/matrix.js";
import { Measured } from "../results/measured.js";
import { moveAmongCells } from "../results/roving.js";
import { yardstick } from "../shared/mark.js";

/** @typedef {import("../results/model.js").Run} Run */
/** @typedef {import("../results/model.js").CaseResult} CaseResult */
/** @typedef {import("../results/subjects.js").Subject} Subject */
/** @typedef {import("./rows.js").Counts} Counts */

/** The categories of the suite, by their numbers. */
const CATEGORIES = ["1", "2", "3", "4", "5", "6", "7", "9", "10", "12", "13"];

class Conformance extends Measured {
  get files() {
    return [...new Set(this.subjects.flatMap(({ cases }) => (cases ? [cases.file] : [])))];
  }

  render() {
    const subjects = this.subjects.filter(({ cases }) => cases !== null);
    const results = subjects.map((subject) => casesOf(subject, this.runs));
    const category = CATEGORIES.find((one) => one === this.settings.category) ?? "";
    return html`
      <section class="comparison card" role="region" aria-labelledby="conformance-title">
        <header><div><h2 id="conformance-title">${t("views.conformance")}</h2><p class="hint">${t("conformance.lead")}</p></div></header>
        <div class="tools">
          <label>${t("conformance.category")}
            <select @change=${(/** @type {Event & { target: HTMLSelectElement }} */ { target }) => this.keep({ category: target.value })}>
              <option value="">${t("conformance.overview")}</option>
              ${CATEGORIES.map((one) => html`<option value=${one} ?selected=${one === category}>${one} ${t(`category.${one}`)}</option>`)}
            </select></label>
          ${category === "" ? nothing : html`<label><input type="checkbox" role="switch" .checked=${this.settings.all !== "1"} @change=${() => this.keep({ all: this.settings.all === "1" ? "" : "1" })}>${t("behaviour.differ")}</label>`}
          <ew-add-own .results=${this.results}></ew-add-own>
        </div>
        ${this.complaint()}
        <div class="wide-table" role="group" aria-labelledby="conformance-title" tabindex="0">
          ${category === "" ? this.#overview(subjects, results) : this.#cases(subjects, results, category)}
        </div>
        ${this.results.known && subjects.length === 0 ? html`<p class="nothing">${t("evidence.unmeasured")}</p>` : nothing}
        ${category === "" ? html`<p class="hint">${t("conformance.legend")}</p>` : legend(["right", "wrong", "absent", "limit", "error"])}
      </section>
      ${this.drawer(this.#evidence(subjects, results))}`;
  }

  /** @param {Subject[]} subjects @param {CaseResult[][]} results */
  #overview(subjects, results) {
    const counts = results.map(byCategory);
    const most = Math.max(0, ...counts.flatMap((its) => [...its.values()].map(({ wrong }) => wrong)));
    return html`
      <table class="compare" @keydown=${moveAmongCells}>
        <thead><tr><th scope="col" data-column="title" class="plain-head">${t("column.title")}</th>
          ${CATEGORIES.map((one) => html`<th scope="col"><button type="button" title=${t("conformance.open")} @click=${() => this.keep({ category: one })}>${one} ${t(`category.${one}`)}</button></th>`)}</tr></thead>
        <tbody>${subjects.map(
          ({ key, title, service, own }, place) => html`
          <tr data-subject=${key} data-own=${own === "" ? nothing : ""}>
            <th scope="row">${title} ${own ? html`<span class="yours">${t("own.yours")}</span>` : service ? yardstick(service) : nothing}</th>
            ${CATEGORIES.map((one) => html`<td data-column=${one}><button type="button" data-cell aria-haspopup="dialog" @click=${() => this.keep({ cell: `${key} ${one}` })}>${count(counts[place].get(one), most)}</button></td>`)}
          </tr>`,
        )}</tbody>
      </table>`;
  }

  /** @param {Subject[]} subjects @param {CaseResult[][]} results @param {string} category */
  #cases(subjects, results, category) {
    const rows = rowsOf(results, category);
    const groups = [{ id: category, title: `${category} ${t(`category.${category}`)}` }];
    const shown = this.settings.all === "1" ? rows : differing(rows);
    return matrix(subjects, groups, shown, (subject, row) => this.keep({ cell: `${subject.key} ${row.id}` }));
  }

  /** @param {Subject[]} subjects @param {CaseResult[][]} results */
  #evidence(subjects, results) {
    const cell = this.settings.cell ?? "";
    const place = subjects.findIndex(({ key }) => cell.startsWith(`${key} `));
    if (place < 0) return null;
    const id = cell.slice(cell.lastIndexOf(" ") + 1);
    const its = results[place].map((result) => result.case);
    const wrong = results[place].filter(({ verdict }) => verdict === "fail").map((result) => result.case);
    const cases = CATEGORIES.includes(id)
      ? wrong.filter((one) => one.startsWith(`${id}.`))
      : its.filter((one) => one === id);
    const title = CATEGORIES.includes(id) ? `${id} ${t(`category.${id}`)}` : id;
    return { key: `${cell} ${cases.length}`, title, subject: subjects[place], cases };
  }
}

/** @param {Counts | undefined} counts @param {number} most */
function count(counts, most) {
  if (!counts) return html`<span class="no-figure">${t("standing.unasked")}</span>`;
  const { right, wrong, absent, other } = counts;
  if (right + wrong === 0)
    return html`<span class="no-figure">${t(absent >= other ? "conformance.absent" : "standing.limit")}</span>`;
  return html`<span class="value">${wrong}<small> / ${right + wrong}</small></span>${dot(wrong, most)}`;
}

customElements.define("ew-conformance", Conformance);
