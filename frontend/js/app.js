// The page: reads the address and the catalog, shows one pane or two, and carries what is written to each of them.
import { LitElement, html, nothing, svg } from "lit";
import { live } from "lit/directives/live.js";
import "./composer.js";
import "./pane.js";
import { readAddress, writeAddress } from "./address.js";
import { StatusBoard, loadCatalog } from "./catalog.js";
import { Conversation } from "./conversation.js";
import { Translated, firstLanguage, language, rememberLanguage, setLanguage, t } from "./i18n.js";

/** @typedef {import("./catalog.js").Service} Service */
/** @typedef {import("./address.js").Selection} Selection */
/** @typedef {import("./payload.js").Data} Data */

const BREATH = 8; // milliseconds of sending before the page may draw
const MOST_WAITING = 4 * 1024 * 1024; // bytes that may wait in the browser before more are handed to it

class App extends LitElement {
  constructor() {
    super();
    /** @type {Service[] | null} null until the catalog is here */
    this.services = null;
    this.statuses = new StatusBoard();
    this.conversations = [new Conversation(), new Conversation()];
    /** @type {Selection[]} */
    this.selections = [];
    this.sideBySide = false;
    /** @type {import("./i18n.js").Message[]} */
    this.troubles = [];
    /** @type {import("./i18n.js").Message | null} */
    this.note = null;
    this.sending = 0;
    new Translated(this);
    setLanguage(firstLanguage(new URLSearchParams(location.search).get("lang")));
    this.#start();
  }

  createRenderRoot() {
    return this;
  }

  async #start() {
    try {
      this.services = await loadCatalog();
    } catch (error) {
      this.services = [];
      this.troubles.push({ key: "page.catalogFailed", params: { detail: /** @type {Error} */ (error).message } });
    }
    const address = readAddress(location.search, this.services);
    this.selections = address.panes;
    this.sideBySide = address.sideBySide;
    const names = this.services.map(({ name, title }) => `${title} (${name})`).join(", ");
    this.troubles.push(...address.unknown.map((name) => ({ key: "page.unknown", params: { name, names } })));
    this.conversations.forEach((conversation, index) => {
      conversation.addEventListener("state", () => this.#stateChanged(index));
    });
    this.statuses.watch(this.services);
    this.requestUpdate();
    await this.updateComplete;
    if (address.connect) for (const pane of this.querySelectorAll("ew-pane")) /** @type {import("./pane.js").Pane} */ (pane).connectNow();
  }

  get shown() {
    return this.sideBySide ? [0, 1] : [0];
  }

  render() {
    const connected = this.shown.some((index) => this.conversations[index].state === "connected");
    return html`
      <header class="top">
        <div class="brand">${logo()}<div><h1>${language() === "zh" ? "回音壁" : "Echo Wall"}</h1><p>${t("page.tagline")}</p></div></div>
        <div class="settings">
          <label><input type="checkbox" role="switch" .checked=${live(this.sideBySide)} @change=${this.#compare}>${t("page.sideBySide")}</label>
          <button type="button" class="outline" lang=${language() === "zh" ? "en" : "zh"} @click=${this.#turn}>${t("page.otherLanguage")}</button>
        </div>
      </header>
      <main class=${this.sideBySide ? "two" : "one"}>
        ${this.troubles.map(({ key, params }) => html`<p class="trouble" role="alert">${t(key, params)}</p>`)}
        ${this.services === null ? nothing : this.shown.map((index) => html`
          <ew-pane .number=${index + 1} .services=${this.services} .statuses=${this.statuses}
            .conversation=${this.conversations[index]} .selection=${this.selections[index]}
            @ew-select=${(/** @type {CustomEvent<Selection>} */ event) => this.#selected(index, event.detail)}></ew-pane>`)}
        <p class="motto">${logo()}<span>${t("page.motto")}</span></p>
        <ew-composer .connected=${connected} .note=${this.note} .sending=${this.sending} @ew-send=${this.#send}></ew-composer>
      </main>`;
  }

  /** @param {number} index @param {Selection} selection */
  #selected(index, selection) {
    this.selections = this.selections.with(index, selection);
    this.troubles = this.troubles.filter(({ key }) => key !== "page.unknown");
    this.#remember();
  }

  /** @param {Event & { target: HTMLInputElement }} event */
  #compare({ target }) {
    this.sideBySide = target.checked;
    if (!this.sideBySide) this.conversations[1].disconnect();
    this.#remember();
  }

  #turn() {
    const chosen = language() === "zh" ? "en" : "zh";
    setLanguage(chosen);
    rememberLanguage(chosen);
    const query = new URLSearchParams(location.search);
    query.set("lang", chosen);
    history.replaceState(null, "", `?${query}`);
  }

  #remember() {
    history.replaceState(null, "", writeAddress(location.search, this.shown.map((index) => this.selections[index])));
    this.requestUpdate();
  }

  /** @param {number} index */
  #stateChanged(index) {
    const { state, target } = this.conversations[index];
    if ((state === "waiting" || state === "disconnected") && target?.service) this.statuses.suspect(target.service.name);
    this.note = null;
    this.requestUpdate();
  }

  /**
   * Sends to every pane that is connected, a little at a time, so that ten thousand messages never hold up the page.
   * @param {CustomEvent<{ messages: Iterable<Data>, count: number }>} event
   */
  async #send({ detail: { messages, count } }) {
    const isOpen = (/** @type {number} */ index) => this.conversations[index].state === "connected";
    const open = this.shown.filter(isOpen).map((index) => this.conversations[index]);
    const titles = this.shown.filter((index) => !isOpen(index)).map((index) => this.#title(index)).join(", ");
    this.note = titles === "" ? null : { key: "message.onlySome", params: { titles } };
    this.sending = count;
    let until = performance.now() + BREATH;
    for (const data of messages) {
      while (performance.now() > until || open.some(({ waiting }) => waiting > MOST_WAITING)) {
        this.requestUpdate();
        await new Promise((resolve) => setTimeout(resolve));
        if (!open.some(({ state }) => state === "connected")) break;
        until = performance.now() + BREATH;
      }
      for (const conversation of open) conversation.send(data);
      this.sending--;
    }
    this.sending = 0;
    this.requestUpdate();
  }

  /** @param {number} index */
  #title(index) {
    const { service } = this.selections[index];
    return this.services?.find(({ name }) => name === service)?.title ?? t("own.title");
  }
}

/** The round wall, and a voice in the middle of it. */
function logo() {
  return html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
    ${svg`<path d="M7.6 24.4a11.9 11.9 0 1 1 16.8 0" /><path d="M11 21a7.1 7.1 0 1 1 10 0" /><circle cx="16" cy="16" r="2.6" />`}
  </svg>`;
}

customElements.define("ew-app", App);
