// All stacks in one table of what was measured, by the columns that one chooses. Each cell opens its evidence.
import { html, nothing } from "lit";
import "../results/add-own.js";
import "../results/drawer.js";
import "../shared/stack-filter.js";
import { COLUMNS, USUAL, sorted } from "./columns.js";
import { language, t, translatedPhrases } from "../i18n/i18n.js";
import { differences } from "./against.js";
import { evidenceOf } from "./evidence.js";
import { cellOf, rangesOf } from "./cells.js";
import { Measured } from "../results/measured.js";
import { moveAmongCells } from "../results/roving.js";
import { rates, usual } from "../results/steps.js";
import { isMeant, matches } from "../shared/filter.js";
import { yardstick } from "../shared/mark.js";
import { goToFirst, openStack } from "../shared/stack-table.js";

/** @typedef {import("../results/subjects.js").Subject} Subject */
/** @typedef {import("./against.js").Differences} Differences */

class Compare extends Measured {
  static properties = { ...Measured.properties, differences: { state: true } };

  constructor() {
    super();
    /** @type {Differences} what compares the subjects with the one that is chosen, as far as it is known */
    this.differences = new Map();
    this.comparisons = 0; // begun so far
  }

  get columns() {
    const asked = (this.settings.columns ?? "").split(",").filter((column) => Object.hasOwn(COLUMNS, column));
    return asked.length > 0 ? asked : USUAL;
  }

  /** @returns {import("./columns.js").Context} */
  get context() {
    const indexes = [...this.results.own.map(({ index }) => index), this.results.index];
    const steps = [...new Map(indexes.flatMap((index) => index.steps).map((step) => [step.name, step])).values()];
    /** @type {Record<string, string[]>} */
    const groups = {};
    for (const index of indexes) {
      for (const [group, checks] of Object.entries(index.groups))
        groups[group] = [...new Set([...(groups[group] ?? []), ...checks])];
    }
    const choice = rates(steps);
    const step = choice.find(({ name }) => name === this.settings.step) ?? usual(choice);
    return { groups, steps, step: step?.name ?? "" };
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    super.willUpdate(changed);
    if (changed.has("settings")) this.#compare();
  }

  async resultsChanged() {
    await this.#compare();
  }

  render() {
    const context = this.context;
    const { sort = "", order, filter = "" } = this.settings;
    const all = this.subjects;
    const meant = all.filter(
      ({ service, title, own }) => own !== "" || (service ? isMeant(service, filter) : matches(filter, [title])),
    );
    const shown = sorted(meant, sort, order === "desc", context, language());
    const other = all.find(({ key }) => key === this.settings.with) ?? null;
    return html`
      <section class="comparison card" role="region" aria-labelledby="compare-title">
        <header>
          <div><h2 id="compare-title">${t("views.compare")}</h2><p class="hint">${t("compare.lead")}</p></div>
          <ew-stack-filter .query=${filter} .count=${meant.length} .all=${all.length}
            @ew-filter=${(/** @type {CustomEvent<string>} */ { detail }) => this.keep({ filter: detail })}
            @ew-filter-go=${(/** @type {CustomEvent<{ choose: boolean }>} */ event) => goToFirst(this, event)}></ew-stack-filter>
        </header>
        <div class="tools">
          <label>${t("compare.with")}
            <select @change=${(/** @type {Event & { target: HTMLSelectElement }} */ { target }) => this.keep({ with: target.value })}>
              <option value="">${t("compare.nobody")}</option>
              ${all.map(({ key, title }) => html`<option value=${key} ?selected=${key === other?.key}>${title}</option>`)}
            </select></label>
          ${this.#rate(context)}
          <details class="chooser"><summary>${t("compare.columns")}</summary>
            <fieldset><legend class="visually-hidden">${t("compare.columns")}</legend>
              ${Object.keys(COLUMNS).map((column) => html`<label><input type="checkbox" .checked=${this.columns.includes(column)} @change=${() => this.#choose(column)}>${t(`column.${column}`)}</label>`)}
            </fieldset>
          </details>
          <ew-add-own .results=${this.results}></ew-add-own>
        </div>
        ${this.complaint()}
        ${this.results.known ? this.#table(all, shown, other, context) : nothing}
      </section>
      ${this.drawer(this.#evidence(all, context))}`;
  }

  /** Whole, when the results are here: a table that fills itself shifts what one has begun to read.
   * @param {Subject[]} all @param {Subject[]} shown @param {Subject | null} other @param {import("./columns.js").Context} context */
  #table(all, shown, other, context) {
    const ranges = rangesOf(all, this.columns, context);
    return html`
      ${all.some(({ costs }) => costs.length > 0) ? nothing : html`<p class="hint unmeasured">${t("cost.unmeasured")}</p>`}
      <div class="wide-table" role="group" aria-labelledby="compare-title" tabindex="0">
        <table class="compare" @keydown=${moveAmongCells}>
          <thead><tr>${this.#head("title")}${this.columns.map((column) => this.#head(column))}</tr></thead>
          <tbody>${shown.map((subject) => this.#row(subject, other, context, ranges))}</tbody>
        </table>
      </div>
      ${shown.length === 0 && this.services.length > 0 ? html`<p class="nothing">${t("filter.none")}</p>` : nothing}
      <p class="hint">${t("compare.legend")} ${other ? t("compare.words") : nothing}</p>`;
  }

  /** @param {import("./columns.js").Context} context */
  #rate({ steps, step }) {
    const choice = rates(steps);
    if (choice.length === 0) return nothing;
    return html`
      <label>${t("compare.rate")}
        <select @change=${(/** @type {Event & { target: HTMLSelectElement }} */ { target }) => this.keep({ step: target.value })}>
          ${choice.map(({ name }) => html`<option value=${name} ?selected=${name === step}>${translatedPhrases(name).text}</option>`)}
        </select></label>`;
  }

  /** @param {string} column */
  #head(column) {
    const { sort, order } = this.settings;
    const state = sort !== column ? nothing : order === "desc" ? "descending" : "ascending";
    const shows = COLUMNS[column]?.shows ?? "word";
    return html`
      <th scope="col" data-column=${column} data-shows=${shows} aria-sort=${state}>
        <button type="button" title=${t(`column.${column}.about`)} @click=${() => this.#sort(column)}>${t(`column.${column}`)}<span class="arrow" aria-hidden="true"></span></button>
      </th>`;
  }

  /** @param {Subject} subject @param {Subject | null} other @param {import("./columns.js").Context} context @param {Map<string, { least: number, most: number }>} ranges */
  #row(subject, other, context, ranges) {
    const { key, title, service, own } = subject;
    return html`
      <tr data-subject=${key} data-own=${own === "" ? nothing : ""}>
        <th scope="row">${service && !own ? html`<a href="?service=${service.name}" @click=${(/** @type {MouseEvent} */ event) => openStack(this, event, service.name)}>${title}</a> ${yardstick(service)}` : html`${title} <span class="yours">${t("own.yours")}</span>`}</th>
        ${this.columns.map((column) => {
          const difference = other && other.key !== key ? this.differences.get(`${key} ${column}`) : undefined;
          return html`<td data-column=${column} data-shows=${COLUMNS[column].shows}><button type="button" data-cell aria-haspopup="dialog" @click=${() => this.keep({ cell: `${key} ${column}` })}>
            ${cellOf(column, COLUMNS[column].value(subject, context), ranges.get(column))}${difference ? html` <span class="difference" data-word=${difference.word}>${t(`difference.${difference.word}`)}</span>` : nothing}</button></td>`;
        })}
      </tr>`;
  }

  /** @param {Subject[]} all @param {import("./columns.js").Context} context */
  #evidence(all, context) {
    const cell = this.settings.cell ?? "";
    const subject = all.find(({ key }) => cell.startsWith(`${key} `));
    const column = cell.slice(cell.lastIndexOf(" ") + 1);
    if (!subject || !Object.hasOwn(COLUMNS, column) || !this.results.known) return null;
    const other = all.find(({ key }) => key === this.settings.with && key !== subject.key) ?? null;
    return evidenceOf(column, subject, context, other?.title ?? "", this.differences.get(`${subject.key} ${column}`));
  }

  async #compare() {
    const comparison = ++this.comparisons; // a later one may have begun by the time that this one's runs are here
    const all = this.subjects;
    const other = all.find(({ key }) => key === this.settings.with);
    if (other === undefined) {
      this.differences = new Map();
      return;
    }
    try {
      const found = await differences(all, other, this.columns, this.context, this.results);
      if (this.comparisons !== comparison) return;
      this.differences = found;
      this.trouble = "";
    } catch (error) {
      if (this.comparisons === comparison) this.trouble = /** @type {Error} */ (error).message;
    }
  }

  /** Once more turns it around. @param {string} column */
  #sort(column) {
    const { sort, order } = this.settings;
    this.keep({ sort: column, order: sort === column && order !== "desc" ? "desc" : "" });
  }

  /** @param {string} column */
  #choose(column) {
    const chosen = new Set(this.columns);
    if (!chosen.delete(column)) chosen.add(column);
    const columns = Object.keys(COLUMNS).filter((one) => chosen.has(one));
    this.keep({ columns: columns.join() === USUAL.join() ? "" : columns.join() });
  }
}

customElements.define("ew-compare", Compare);
