// The page: reads the address and the catalog, and shows what was measured, the echo (one pane or two, and carries what
// is written to each of them), the chat room, or the table of all stacks.
import { html, nothing, svg } from "lit";
import { live } from "lit/directives/live.js";
import "../compare/compare.js";
import "../echo/composer.js";
import "../echo/pane.js";
import { addStyles } from "./styles.js";
import {
  VIEWS,
  isMeasured,
  readAddress,
  writeAddress,
  writeRoomAddress,
  writeSettings,
  writeStacksAddress,
} from "./address.js";
import { Conversation } from "../echo/conversation.js";
import { firstLanguage, language, rememberLanguage, setLanguage, t } from "../i18n/i18n.js";
import { Results } from "../results/results.js";
import { again } from "../shared/again.js";
import { StatusBoard, loadCatalog } from "../shared/catalog.js";
import { Component } from "../shared/component.js";
import { Follows } from "../shared/follows.js";
import { isPlain } from "../shared/plain.js";
import { goToFilter } from "../shared/stack-filter.js";
import { withoutPassword } from "../shared/target.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("../shared/target.js").Selection} Selection */
/** @typedef {import("./address.js").Measured} Measured */
/** @typedef {import("./address.js").Settings} Settings */
/** @typedef {import("./address.js").View} View */
/** @typedef {import("../echo/pane.js").Pane} Pane */
/** @typedef {import("../i18n/i18n.js").Message} Message */
/** @typedef {import("../echo/payload.js").Data} Data */

/** @type {Record<View, string>} */
const TITLES = {
  compare: "compare.title",
  behaviour: "behaviour.title",
  conformance: "conformance.title",
  cost: "cost.title",
  echo: "page.title",
  chat: "room.title",
  push: "push.title",
  stacks: "stacks.title",
};
/** What each view loads when it is first shown. @type {Record<View, () => Promise<unknown>>} */
const LOADS = {
  compare: async () => {},
  behaviour: () => import("../behaviour/behaviour.js"),
  conformance: () => import("../conformance/conformance.js"),
  cost: () =>
    Promise.all([import("../cost/cost.js"), addStyles("vendor/uplot/dist/uPlot.min.css"), addStyles("css/cost.css")]),
  echo: async () => {},
  chat: () => Promise.all([import("../chat/chat.js"), addStyles("css/chat.css")]),
  push: () => Promise.all([import("../push/push.js"), addStyles("css/push.css")]),
  stacks: () => Promise.all([import("../stacks/stacks.js"), addStyles("css/stacks.css")]),
};
/** @type {Service[]} */
const NO_SERVICES = [];
const BREATH = 8; // milliseconds of sending before the page may draw
const GLANCE = 100; // milliseconds of waiting for the next message before the page looks whether to go on
const MOST_WAITING = 4 * 1024 * 1024; // bytes that may wait in the browser before more are handed to it

class App extends Component {
  static properties = {
    services: { state: true },
    selections: { state: true },
    sideBySide: { state: true },
    view: { state: true },
    visited: { state: true },
    chatService: { state: true },
    pushService: { state: true },
    table: { state: true },
    settings: { state: true },
    troubles: { state: true },
    note: { state: true },
    sending: { state: true },
  };

  constructor() {
    super();
    /** @type {Service[] | null} null until the catalog is here */
    this.services = null;
    this.statuses = new StatusBoard();
    this.results = new Results();
    this.conversations = [new Conversation(), new Conversation()];
    /** @type {Selection[]} */
    this.selections = [];
    this.sideBySide = false;
    this.view = readAddress(location.search, []).view;
    /** @type {ReadonlySet<View>} those that have been shown: what one did there stays as it is */
    this.visited = new Set();
    this.chatService = ""; // the stack by which one is in the room
    this.pushService = ""; // the stack whose room is heard in several ways
    this.table = readAddress(location.search, []).table;
    /** @type {Record<Measured, Settings>} */
    this.settings = { compare: {}, behaviour: {}, conformance: {}, cost: {} };
    /** @type {readonly Message[]} */
    this.troubles = [];
    /** @type {Message | null} */
    this.note = null;
    this.sending = 0;
    this.stopped = false; // whether somebody has stopped the present sending
    for (const conversation of this.conversations) {
      new Follows(this, () => conversation, ["state"], this.#stateChanged);
    }
    setLanguage(firstLanguage(new URLSearchParams(location.search).get("lang")));
    this.#start();
  }

  async #start() {
    this.#readSettings();
    this.results.load();
    try {
      this.services = await again(loadCatalog);
    } catch (error) {
      this.services = [];
      this.#complain({ key: "page.catalogFailed", params: { detail: /** @type {Error} */ (error).message } });
    }
    const address = readAddress(location.search, this.services);
    this.selections = address.panes;
    this.sideBySide = address.sideBySide;
    this.chatService = address.panes[0].service ?? this.services[0]?.name ?? "";
    this.pushService = address.panes[0].service ?? "";
    const names = this.services.map(({ name, title }) => `${title} (${name})`).join(", ");
    if (this.services.length > 0) {
      this.#complain(...address.unknown.map((name) => ({ key: "page.unknown", params: { name, names } })));
    }
    if (address.panes.some(({ url }) => url !== withoutPassword(url))) this.#remember();
    this.statuses.watch(this.services);
    addEventListener("popstate", () => this.#wentBack());
    addEventListener("keydown", goToFilter);
    addEventListener("dragover", (event) => this.#drops(event));
    addEventListener("drop", (event) => this.#drops(event));
    await this.#show(address.view);
    await this.updateComplete;
    if (!address.connect) return;
    for (const pane of this.querySelectorAll("ew-pane")) /** @type {Pane} */ (pane).connectNow();
  }

  get shown() {
    return this.sideBySide ? [0, 1] : [0];
  }

  updated() {
    document.title = t(TITLES[this.view]);
  }

  render() {
    return html`
      <header class="top">
        <div class="brand">${logo()}<div><h1>${language() === "zh" ? "回音壁" : "Echo Wall"}</h1><p>${t("page.tagline")}</p></div></div>
        <nav class="views" aria-label=${t("views")}>
          ${VIEWS.map(
            (view) => html`<a href=${this.#address(view)} aria-current=${view === this.view ? "page" : nothing}
            @click=${(/** @type {MouseEvent} */ event) => this.#follow(event, view)}>${t(`views.${view}`)}</a>`,
          )}
        </nav>
        <div class="settings">
          <label ?hidden=${this.view !== "echo"}><input type="checkbox" role="switch" .checked=${live(this.sideBySide)} @change=${this.#compare}>${t("page.sideBySide")}</label>
          <button type="button" class="outline" lang=${language() === "zh" ? "en" : "zh"} @click=${this.#turn}>${t("page.otherLanguage")}</button>
        </div>
      </header>
      ${VIEWS.filter(isMeasured).map((view) => (this.visited.has(view) ? this.#measured(view) : nothing))}
      ${this.visited.has("chat") ? this.#chat() : nothing}
      ${this.visited.has("push") ? this.#push() : nothing}
      ${this.visited.has("stacks") ? this.#stacks() : nothing}
      ${this.view === "echo" || this.visited.has("echo") ? this.#echo() : nothing}`;
  }

  /** @param {Message[]} troubles */
  #complain(...troubles) {
    this.troubles = [...this.troubles, ...troubles];
  }

  #troubles() {
    return this.troubles.map(({ key, params }) => html`<p class="notice trouble" role="alert">${t(key, params)}</p>`);
  }

  /** @param {Measured} view */
  #measured(view) {
    const shown = this.view === view;
    return html`
      <main ?hidden=${!shown} @ew-open=${(/** @type {CustomEvent<string>} */ { detail }) => this.#open(detail)}
        @ew-settings=${(/** @type {CustomEvent<Settings>} */ { detail }) => this.#set(view, detail)}>
        ${shown ? this.#troubles() : nothing}
        ${this.#element(view)}
      </main>`;
  }

  /** @param {Measured} view */
  #element(view) {
    const [services, settings] = [this.services ?? NO_SERVICES, this.settings[view]];
    switch (view) {
      case "compare":
        return html`<ew-compare .services=${services} .results=${this.results} .settings=${settings}></ew-compare>`;
      case "behaviour":
        return html`<ew-behaviour .services=${services} .results=${this.results} .settings=${settings}></ew-behaviour>`;
      case "conformance":
        return html`<ew-conformance .services=${services} .results=${this.results} .settings=${settings}></ew-conformance>`;
      case "cost":
        return html`<ew-cost .services=${services} .results=${this.results} .settings=${settings}></ew-cost>`;
    }
  }

  #chat() {
    const shown = this.view === "chat";
    return html`
      <main class="room" ?hidden=${!shown}>
        ${shown ? this.#troubles() : nothing}
        <ew-chat .services=${this.services} .statuses=${this.statuses} .selected=${this.chatService} .shown=${shown}
          @ew-chat-select=${(/** @type {CustomEvent<string>} */ { detail }) => this.#chatSelected(detail)}></ew-chat>
      </main>`;
  }

  #push() {
    const shown = this.view === "push";
    return html`
      <main ?hidden=${!shown}>
        ${shown ? this.#troubles() : nothing}
        <ew-push .services=${this.services} .results=${this.results} .selected=${this.pushService} .shown=${shown}
          @ew-push-select=${(/** @type {CustomEvent<string>} */ { detail }) => this.#pushSelected(detail)}></ew-push>
      </main>`;
  }

  #stacks() {
    const shown = this.view === "stacks";
    return html`
      <main ?hidden=${!shown}>
        ${shown ? this.#troubles() : nothing}
        <ew-stacks .services=${this.services} .statuses=${this.statuses} .table=${this.table}
          @ew-table=${(/** @type {CustomEvent<import("../stacks/columns.js").Table>} */ { detail }) => this.#arranged(detail)}
          @ew-open=${(/** @type {CustomEvent<string>} */ { detail }) => this.#open(detail)}></ew-stacks>
      </main>`;
  }

  #echo() {
    const connected = this.shown.some((index) => this.conversations[index].state === "connected");
    return html`
      <main class=${this.sideBySide ? "two" : "one"} ?hidden=${this.view !== "echo"}>
        ${this.view === "echo" ? this.#troubles() : nothing}
        ${
          this.services === null
            ? nothing
            : this.shown.map(
                (index) => html`
          <ew-pane .number=${index + 1} .services=${this.services} .statuses=${this.statuses}
            .conversation=${this.conversations[index]} .beside=${this.conversations[1 - index]} .compared=${this.sideBySide} .selection=${this.selections[index]}
            @ew-select=${(/** @type {CustomEvent<Selection>} */ event) => this.#selected(index, event.detail)}></ew-pane>`,
              )
        }
        <p class="motto">${logo()}<span>${t("page.motto")}</span></p>
        <ew-composer .connected=${connected} .note=${this.note} .sending=${this.sending} @ew-send=${this.#send}
          @ew-stop=${this.#stop}></ew-composer>
      </main>`;
  }

  /** @param {View} view @returns {string} where it is, as things stand */
  #address(view) {
    if (isMeasured(view)) return writeSettings(location.search, view, this.settings[view]);
    if (view === "chat") return writeRoomAddress(location.search, view, this.chatService);
    if (view === "push") return writeRoomAddress(location.search, view, this.pushService);
    if (view === "stacks") return writeStacksAddress(location.search, this.table);
    return writeAddress(location.search, this.shown.map((index) => this.selections[index]).filter(Boolean));
  }

  /** Loads a view when it is first shown. @param {View} view */
  async #show(view) {
    try {
      await again(LOADS[view]);
      this.view = view;
      this.visited = new Set([...this.visited, view]);
    } catch (error) {
      this.view = "echo";
      this.#complain({ key: "views.failed", params: { detail: /** @type {Error} */ (error).message } });
    }
  }

  /** @param {MouseEvent} event @param {View} view */
  #follow(event, view) {
    if (!isPlain(event) || this.services === null) return;
    event.preventDefault();
    if (view === this.view) return;
    history.pushState(null, "", this.#address(view));
    this.#show(view);
  }

  async #wentBack() {
    const { view, panes, table } = readAddress(location.search, this.services ?? []);
    if (view === "stacks") this.table = table;
    this.#readSettings();
    if (view === "chat") this.chatService = panes[0].service ?? this.chatService;
    if (view === "push") this.pushService = panes[0].service ?? this.pushService;
    await this.#show(view);
    this.#remember(); // the stacks of the echo are those that one has left there
  }

  #readSettings() {
    const { view, settings } = readAddress(location.search, []);
    if (isMeasured(view)) this.settings = { ...this.settings, [view]: settings };
  }

  /** @param {Measured} view @param {Settings} settings */
  #set(view, settings) {
    this.settings = { ...this.settings, [view]: settings };
    this.#remember();
  }

  /** Results that are dropped onto a view of results are added. @param {DragEvent} event */
  #drops(event) {
    if (!isMeasured(this.view) || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (event.type === "drop") this.results.add([...event.dataTransfer.files]);
  }

  /** @param {import("../stacks/columns.js").Table} table */
  #arranged(table) {
    this.table = table;
    this.#remember();
  }

  /** A stack of the table, in the first pane of the echo. @param {string} service */
  async #open(service) {
    history.pushState(null, "", this.#address("echo"));
    await this.#show("echo");
    await this.updateComplete;
    const pane = /** @type {Pane} */ (this.querySelector("ew-pane"));
    await pane.updateComplete;
    pane.choose(service);
    pane.querySelector("h2")?.focus();
  }

  /** @param {string} service */
  #chatSelected(service) {
    this.chatService = service;
    this.#forgetUnknown();
    this.#remember();
  }

  /** @param {string} service */
  #pushSelected(service) {
    this.pushService = service;
    this.#forgetUnknown();
    this.#remember();
  }

  #forgetUnknown() {
    this.troubles = this.troubles.filter(({ key }) => key !== "page.unknown");
  }

  /** @param {number} index @param {Selection} selection */
  #selected(index, selection) {
    this.selections = this.selections.with(index, selection);
    this.#forgetUnknown();
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
    history.replaceState(null, "", this.#address(this.view));
    this.requestUpdate(); // the links to the views depend on the address, which is not a property
  }

  /** @param {Event} event of a conversation */
  #stateChanged = (event) => {
    const { state, target } = /** @type {Conversation} */ (event.target);
    const dropped = state === "waiting" || state === "disconnected";
    if (dropped && target?.service) this.statuses.suspect(target.service.name);
    this.note = null;
  };

  /**
   * Sends to every pane that is connected, a little at a time, so that ten thousand messages never hold up the page.
   * @param {CustomEvent<{ messages: Iterable<Data>, count: number, pause: number }>} event pause in milliseconds between two
   */
  async #send({ detail: { messages, count, pause } }) {
    const isOpen = (/** @type {number} */ index) => this.conversations[index].state === "connected";
    const open = this.shown.filter(isOpen).map((index) => this.conversations[index]);
    const titles = this.shown
      .filter((index) => !isOpen(index))
      .map((index) => this.#title(index))
      .join(", ");
    this.note = titles === "" ? null : { key: "message.onlySome", params: { titles } };
    this.sending = count;
    this.stopped = false;
    const start = performance.now();
    let until = start + BREATH;
    let sent = 0;
    for (const data of messages) {
      if (pause > 0) await this.#waitUntil(start + sent++ * pause); // each await renders how many are left
      if (this.stopped) break;
      while (performance.now() > until || open.some(({ waiting }) => waiting > MOST_WAITING)) {
        await new Promise((resolve) => setTimeout(resolve));
        if (!open.some(({ state }) => state === "connected")) break;
        until = performance.now() + BREATH;
      }
      for (const conversation of open) conversation.send(data);
      this.sending--;
    }
    this.sending = 0;
  }

  #stop() {
    this.stopped = true;
  }

  /** Waits, or until the sending is stopped or nobody is connected. @param {number} time of the page, in milliseconds */
  async #waitUntil(time) {
    while (performance.now() < time && !this.stopped) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(time - performance.now(), GLANCE)));
      this.stopped ||= !this.conversations.some(({ state }) => state === "connected");
    }
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
