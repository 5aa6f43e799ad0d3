// All stacks in one table: what they are, how they are doing, and in what order one likes. Loaded when first shown.
import { html, nothing } from "lit";
import "../shared/stack-filter.js";
import { COLUMNS, NUMBERS, sorted } from "./columns.js";
import { language, t } from "../i18n/i18n.js";
import { deviations, mends } from "../shared/catalog.js";
import { Component } from "../shared/component.js";
import { isMeant } from "../shared/filter.js";
import { Follows } from "../shared/follows.js";
import { formatDay } from "../shared/format.js";
import { goToFirst, openStack } from "../shared/stack-table.js";
import { yardstick } from "../shared/mark.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("./columns.js").Table} Table */

class Stacks extends Component {
  static properties = { services: { attribute: false }, statuses: { attribute: false }, table: { attribute: false } };

  constructor() {
    super();
    /** @type {Service[]} */
    this.services = [];
    /** @type {import("../shared/catalog.js").StatusBoard} */
    this.statuses = /** @type {any} */ (undefined); // always given
    /** @type {Table} */
    this.table = { order: null, filter: "" };
    new Follows(this, () => this.statuses, ["change"]);
  }

  render() {
    const { order, filter } = this.table;
    const meant = this.services.filter((service) => isMeant(service, filter));
    const rows = sorted(meant, order, (name) => this.statuses.of(name).state, language());
    return html`
      <section class="stack-table card" role="region" aria-labelledby="stacks-title">
        <header>
          <h2 id="stacks-title">${t("views.stacks")}</h2>
          <ew-stack-filter .query=${filter} .count=${meant.length} .all=${this.services.length}
            @ew-filter=${(/** @type {CustomEvent<string>} */ { detail }) => this.#keep({ filter: detail })}
            @ew-filter-go=${(/** @type {CustomEvent<{ choose: boolean }>} */ event) => goToFirst(this, event)}></ew-stack-filter>
        </header>
        <div class="wide-table" role="group" aria-labelledby="stacks-title" tabindex="0">
          <table>
            <thead><tr>${Object.keys(COLUMNS).map((column) => this.#head(column))}</tr></thead>
            <tbody>${rows.map((service) => this.#row(service))}</tbody>
          </table>
        </div>
        ${rows.length === 0 && this.services.length > 0 ? html`<p class="nothing">${t("filter.none")}</p>` : nothing}
      </section>`;
  }

  /** @param {string} column */
  #head(column) {
    const { order } = this.table;
    const sort = order?.column !== column ? nothing : order.descending ? "descending" : "ascending";
    return html`
      <th scope="col" class=${NUMBERS.includes(column) ? "number" : nothing} data-column=${column} aria-sort=${sort}>
        <button type="button" @click=${() => this.#sort(column)}>${t(`column.${column}`)}<span class="arrow" aria-hidden="true"></span></button>
      </th>`;
  }

  /** @param {Service} service */
  #row(service) {
    const { name, title, era, framework, server, concurrency, released, maintenance, sources, lines } = service;
    const { state } = this.statuses.of(name);
    return html`
      <tr data-service=${name} data-status=${state}>
        <th scope="row"><a href="?service=${name}" @click=${(/** @type {MouseEvent} */ event) => openStack(this, event, name)}>${title}</a> ${yardstick(service)}</th>
        <td>${t(`column.era.${era}`)}</td>
        <td>${framework}</td>
        <td>${server}</td>
        <td>${t(`concurrency.${concurrency}`)}</td>
        <td><time datetime=${released}>${formatDay(released, language())}</time></td>
        <td>${t(`maintenance.${maintenance}`)}</td>
        <td class="number">${sources.length === 0 ? nothing : lines}</td>
        <td class="number">${deviations(service)}</td>
        <td class="number">${mends(service)}</td>
        <td><span class="status"><span class="dot" aria-hidden="true"></span> ${t(`status.${state}`)}</span></td>
      </tr>`;
  }

  /** Once more turns it around. @param {string} column */
  #sort(column) {
    const { order } = this.table;
    this.#keep({ order: { column, descending: order?.column === column && !order.descending } });
  }

  /** @param {Partial<Table>} part */
  #keep(part) {
    this.table = { ...this.table, ...part };
    this.tell("ew-table", this.table);
  }
}

customElements.define("ew-stacks", Stacks);
