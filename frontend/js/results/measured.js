// The base class of the views of what was measured: how one is set, who is compared, and the drawer.
import { html, nothing } from "lit";
import { t } from "../i18n/i18n.js";
import { Component } from "../shared/component.js";
import { Follows } from "../shared/follows.js";
import { leaveOneStop } from "./roving.js";
import { subjects } from "./subjects.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("./drawer.js").Evidence} Evidence */
/** @typedef {import("./model.js").Run} Run */
/** @typedef {import("./results.js").Results} Results */
/** @typedef {Record<string, string>} Settings as the address has them; what is not there is as usual */

export class Measured extends Component {
  static properties = {
    services: { attribute: false },
    results: { attribute: false },
    settings: { attribute: false },
    runs: { state: true },
    trouble: { state: true },
  };

  constructor() {
    super();
    /** @type {Service[]} */
    this.services = [];
    /** @type {Results} */
    this.results = /** @type {any} */ (undefined); // always given
    /** @type {Settings} */
    this.settings = {};
    /** @type {Map<string, Run>} by file: those of `files`, when they are here */
    this.runs = new Map();
    this.trouble = "";
    new Follows(
      this,
      () => this.results,
      ["change"],
      () => this.resultsChanged(),
    );
  }

  get subjects() {
    return subjects(this.services, this.results.index, this.results.own);
  }

  /** The runs that the view shows in detail, so that it loads them. @returns {string[]} */
  get files() {
    return [];
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (["services", "results", "settings"].some((one) => changed.has(one))) this.resultsChanged();
  }

  /** The results, or the stacks, are others now. */
  async resultsChanged() {
    const files = this.files;
    if (files.every((file) => this.runs.has(file))) return;
    const wanted = () => String(files) === String(this.files); // others may be by the time that these are here
    try {
      const runs = new Map(
        await Promise.all(
          files.map(async (file) => /** @type {[string, Run]} */ ([file, await this.results.run(file)])),
        ),
      );
      if (!wanted()) return;
      this.runs = runs;
      this.trouble = "";
    } catch (error) {
      if (wanted()) this.trouble = /** @type {Error} */ (error).message;
    }
  }

  updated() {
    const table = this.querySelector("table:is(.compare, .matrix)");
    if (table) leaveOneStop(table);
  }

  /** @param {Settings} part */
  keep(part) {
    this.settings = { ...this.settings, ...part };
    this.tell("ew-settings", this.settings);
  }

  complaint() {
    return this.trouble
      ? html`<p class="notice" role="alert">${t("evidence.failed", { detail: this.trouble })}</p>`
      : nothing;
  }

  /** @param {Evidence | null} evidence */
  drawer(evidence) {
    return html`<ew-evidence .results=${this.results} .evidence=${evidence} @ew-evidence-closed=${() => this.keep({ cell: "" })}></ew-evidence>`;
  }
}
