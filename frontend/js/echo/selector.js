// The stacks to choose from: grouped by era, and fewer of them as one types. Where there is no room for the list, it is
// behind a button, as the options of a select are.
import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import "../shared/stack-filter.js";
import { t } from "../i18n/i18n.js";
import { byEra } from "../shared/catalog.js";
import { Component } from "../shared/component.js";
import { isMeant, matches } from "../shared/filter.js";
import { Follows } from "../shared/follows.js";

/** @typedef {import("../shared/catalog.js").Service} Service */

class Selector extends Component {
  static properties = {
    number: { type: Number },
    services: { attribute: false },
    statuses: { attribute: false },
    selected: { attribute: false },
    compact: { type: Boolean },
    query: { state: true },
  };

  constructor() {
    super();
    this.number = 0; // of the pane
    /** @type {Service[]} */
    this.services = [];
    /** @type {import("../shared/catalog.js").StatusBoard} */
    this.statuses = /** @type {any} */ (undefined); // always given
    /** @type {string | null} null for an endpoint of one's own */
    this.selected = null;
    this.compact = false; // whether there is no room for the list
    this.query = "";
    this.touched = false; // whether somebody scrolls or reads the list: then it is not moved
    new Follows(this, () => this.statuses, ["change"]);
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has("selected") || !this.touched) this.#reveal();
  }

  render() {
    return html`${this.compact ? this.#button() : nothing}
      <div class="stack-sheet" id=${this.#sheetId} popover=${this.compact ? "auto" : nothing} aria-label=${t("stacks.choose")}
        role=${this.compact ? "dialog" : nothing} @toggle=${this.#reveal}>${this.#choice()}</div>`;
  }

  get #sheetId() {
    return `pane${this.number}-stacks`;
  }

  #button() {
    const title = this.services.find(({ name }) => name === this.selected)?.title ?? t("own.title");
    const state = this.selected === null ? nothing : this.statuses.of(this.selected).state;
    return html`
      <button type="button" class="outline chosen" popovertarget=${this.#sheetId} aria-haspopup="dialog" data-status=${state}>
        <span class="visually-hidden">${t("stacks.choose")}:</span> <span class="name">${title}</span>
        ${state === nothing ? nothing : html`<span class="dot" aria-hidden="true"></span>`}
        <span class="hint">${t("stacks.count", { count: this.services.length })}</span>
      </button>`;
  }

  #choice() {
    const meant = this.services.filter((service) => isMeant(service, this.query));
    const ownIsMeant = matches(this.query, [t("own.title")]);
    return html`
      <ew-stack-filter .query=${this.query} .count=${meant.length} .all=${this.services.length}
        @ew-filter=${this.#filter} @ew-filter-go=${this.#goToFirst}></ew-stack-filter>
      <div class="stack-list" @keydown=${this.#key} @click=${this.#clicked} @pointerenter=${this.#touch} @focusin=${this.#touch}>
        ${byEra(this.services).map(
          ([era, services]) => html`
          <fieldset ?hidden=${!services.some((service) => this.#isShown(service.name, meant.includes(service)))}>
            <legend title=${era === "article" ? t("era.article.about") : nothing}>${t(`era.${era}`)}</legend>
            ${services.map((service) => this.#stack(service.name, service.title, meant.includes(service)))}
          </fieldset>`,
        )}
        <fieldset ?hidden=${!this.#isShown(null, ownIsMeant)}><legend>${t("era.own")}</legend>
          ${this.#stack(null, t("own.title"), ownIsMeant)}
        </fieldset>
      </div>`;
  }

  /** The chosen one stays, whatever is typed: without it Tab would not reach the others. @param {string | null} name @param {boolean} meant */
  #isShown(name, meant) {
    return meant || name === this.selected;
  }

  /** @param {string | null} name @param {string} title @param {boolean} meant whether the words in the filter are about it */
  #stack(name, title, meant) {
    const state = name === null ? null : this.statuses.of(name).state;
    const note = `pane${this.number}-status-${name}`;
    return html`
      <div class="stack" ?hidden=${!this.#isShown(name, meant)} ?data-meant=${meant}
        data-service=${name ?? nothing} data-status=${state ?? nothing}>
        <label><input type="radio" name="pane${this.number}-stack" .checked=${live(name === this.selected)}
          aria-describedby=${state === null ? nothing : note} @change=${() => this.#choose(name)}>${title}</label>
        ${state === null ? nothing : html`<span class="state" id=${note}>${t(`status.${state}`)}</span><span class="dot" aria-hidden="true"></span>`}
      </div>`;
  }

  #touch() {
    this.touched = true;
  }

  /** @param {string | null} name */
  #choose(name) {
    this.tell("ew-choose", name);
  }

  /** @param {CustomEvent<string>} event */
  #filter({ detail }) {
    this.query = detail;
  }

  /** @param {CustomEvent<{ choose: boolean }>} event */
  async #goToFirst({ detail: { choose } }) {
    await this.updateComplete;
    const first = /** @type {HTMLInputElement | null} */ (this.querySelector("[data-meant] input"));
    if (first === null) return;
    first.focus();
    if (choose && this.query.trim() !== "") first.click();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape" && this.query !== "") {
      this.query = "";
      event.preventDefault(); // the sheet stays open
    }
    if (event.key === "Enter" && this.compact) {
      event.preventDefault(); // the focus goes to the button, which the key would press
      this.#fold();
    }
  }

  /** The arrow keys choose too, and go on: only a pointer has done with it. @param {MouseEvent} event */
  #clicked({ detail, target }) {
    if (detail > 0 && target instanceof HTMLInputElement) this.#fold();
  }

  #fold() {
    if (this.compact) /** @type {HTMLElement} */ (this.querySelector(".stack-sheet")).hidePopover();
  }

  /** Brings the chosen one into sight within the list, and leaves the page where it is. */
  #reveal() {
    const list = /** @type {HTMLElement} */ (this.querySelector(".stack-list"));
    const row = /** @type {HTMLElement | null | undefined} */ (list.querySelector("input:checked")?.closest(".stack"));
    if (!row) return;
    const above = row.offsetTop < list.scrollTop;
    const below = row.offsetTop + row.offsetHeight > list.scrollTop + list.clientHeight;
    if (above || below) list.scrollTop = row.offsetTop - (list.clientHeight - row.offsetHeight) / 2;
  }
}

customElements.define("ew-selector", Selector);
