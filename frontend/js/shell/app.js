// The page: reads the address and the catalog, and shows one of the views.
import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { addStyles, preload } from "./loads.js";
import {
  VIEWS,
  isMeasured,
  isSettable,
  readAddress,
  writeAddress,
  writeRoomAddress,
  writeSettings,
  writeShared,
  writeStacksAddress,
} from "./address.js";
import { firstLanguage, language, loadLanguage, rememberLanguage, setLanguage, t } from "../i18n/i18n.js";
import { Results } from "../results/results.js";
import { again } from "../shared/again.js";
import { StatusBoard, loadCatalog } from "../shared/catalog.js";
import { Component } from "../shared/component.js";
import { keep } from "../shared/kept.js";
import { logo } from "../shared/logo.js";
import { isPlain } from "../shared/plain.js";
import { goToFilter } from "../shared/stack-filter.js";
import { withoutPassword } from "../shared/target.js";
import { THEMES, setTheme, theme } from "../shared/theme.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("../shared/target.js").Selection} Selection */
/** @typedef {import("./address.js").Measured} Measured */
/** @typedef {import("./address.js").Settable} Settable */
/** @typedef {import("./address.js").Settings} Settings */
/** @typedef {import("./address.js").View} View */
/** @typedef {import("../echo/echo.js").Echo} Echo */
/** @typedef {import("../i18n/i18n.js").Message} Message */

/** @type {Record<View, string>} */
const TITLES = {
  compare: "compare.title",
  behaviour: "behaviour.title",
  conformance: "conformance.title",
  cost: "cost.title",
  echo: "page.title",
  race: "race.title",
  chat: "room.title",
  push: "push.title",
  stacks: "stacks.title",
};
/** What each view loads when it is first shown. @type {Record<View, () => Promise<unknown>>} */
const LOADS = {
  compare: () => Promise.all([import("../compare/compare.js"), addStyles("css/results.css")]),
  behaviour: () => Promise.all([import("../behaviour/behaviour.js"), addStyles("css/results.css")]),
  conformance: () => Promise.all([import("../conformance/conformance.js"), addStyles("css/results.css")]),
  cost: () =>
    Promise.all([
      import("../cost/cost.js"),
      addStyles("css/results.css"),
      addStyles("vendor/uplot/dist/uPlot.min.css"),
      addStyles("css/cost.css"),
    ]),
  echo: () => Promise.all([import("../echo/echo.js"), addStyles("css/source.css"), addStyles("css/echo.css")]),
  race: () =>
    Promise.all([
      import("../race/race.js"),
      addStyles("css/results.css"),
      addStyles("css/stacks.css"),
      addStyles("css/race.css"),
    ]),
  chat: () => Promise.all([import("../chat/chat.js"), addStyles("css/source.css"), addStyles("css/chat.css")]),
  push: () => Promise.all([import("../push/push.js"), addStyles("css/results.css"), addStyles("css/push.css")]),
  stacks: () => Promise.all([import("../stacks/stacks.js"), addStyles("css/results.css"), addStyles("css/stacks.css")]),
};
/** The views that show what was measured. @type {View[]} */
const USE_RESULTS = [...VIEWS.filter(isMeasured), "push"];
/** The views that show which stacks are up: the others ask no stack anything. @type {View[]} */
const USE_STATUSES = ["echo", "race", "chat", "stacks"];
/** @type {Service[]} */
const NO_SERVICES = [];

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
  };

  constructor() {
    super();
    /** @type {Service[] | null} null until the catalog is here */
    this.services = null;
    this.statuses = new StatusBoard();
    this.results = new Results();
    /** @type {Selection[]} */
    this.selections = [];
    this.sideBySide = false;
    this.view = readAddress(location.search, []).view;
    /** @type {ReadonlySet<View>} those that have been shown: what one did there stays as it is */
    this.visited = new Set();
    this.chatService = ""; // the stack by which one is in the room
    this.pushService = ""; // the stack whose room is heard in several ways
    this.table = readAddress(location.search, []).table;
    /** @type {Record<Settable, Settings>} */
    this.settings = { compare: {}, behaviour: {}, conformance: {}, cost: {}, race: {} };
    /** @type {readonly Message[]} */
    this.troubles = [];
    this.#start();
  }

  async #start() {
    this.#readSettings();
    preload(this.view);
    const speaking = this.#speak(firstLanguage(new URLSearchParams(location.search).get("lang")));
    const catalog = again(loadCatalog);
    if (USE_RESULTS.includes(this.view)) this.results.load();
    await speaking;
    try {
      this.services = await catalog;
    } catch (error) {
      this.services = [];
      this.#complain({ key: "page.catalogFailed", params: { detail: /** @type {Error} */ (error).message } });
    }
    const address = readAddress(location.search, this.services);
    this.selections = address.panes;
    this.sideBySide = address.sideBySide;
    address.shared.protocols.forEach((offered, index) => {
      if (offered !== null) keep(`pane${index + 1}-protocols`, offered);
    });
    this.chatService = address.panes[0].service ?? this.services[0]?.name ?? "";
    this.pushService = address.panes[0].service ?? "";
    const names = this.services.map(({ name, title }) => `${title} (${name})`).join(", ");
    if (this.services.length > 0) {
      this.#complain(...address.unknown.map((name) => ({ key: "page.unknown", params: { name, names } })));
    }
    if (address.panes.some(({ url }) => url !== withoutPassword(url))) this.#remember();
    addEventListener("popstate", () => this.#wentBack());
    addEventListener("keydown", goToFilter);
    addEventListener("dragover", (event) => this.#drops(event));
    addEventListener("drop", (event) => this.#drops(event));
    await this.#show(address.view);
    await this.updateComplete;
    const { kind, message } = address.shared;
    if (message !== null) await this.#echoElement?.compose(kind, message);
    if (address.connect) this.#echoElement?.connectNow();
  }

  get #echoElement() {
    return /** @type {Echo | null} */ (this.querySelector("ew-echo"));
  }

  connectedCallback() {
    this.replaceChildren(); // what index.html shows until now
    super.connectedCallback();
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    document.title = t(TITLES[this.view]);
    if (changed.has("visited")) {
      this.querySelector(".views [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
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
          <button type="button" class="outline" ?hidden=${this.view !== "echo"} @click=${this.#showDemos}>${t("demos")}</button>
          <label ?hidden=${this.view !== "echo"}><input type="checkbox" role="switch" .checked=${live(this.sideBySide)} @change=${this.#compare}>${t("page.sideBySide")}</label>
          <label><span class="visually-hidden">${t("theme")}</span>
            <select class="theme" title=${t("theme")} @change=${this.#themed}>
              ${THEMES.map((one) => html`<option value=${one} ?selected=${one === theme()}>${t(`theme.${one}`)}</option>`)}
            </select></label>
          <button type="button" class="outline" lang=${language() === "zh" ? "en" : "zh"} @click=${this.#turn}>${t("page.otherLanguage")}</button>
        </div>
      </header>
      ${VIEWS.filter(isMeasured).map((view) => (this.visited.has(view) ? this.#measured(view) : nothing))}
      ${this.visited.has("race") ? this.#race() : nothing}
      ${this.visited.has("chat") ? this.#chat() : nothing}
      ${this.visited.has("push") ? this.#push() : nothing}
      ${this.visited.has("stacks") ? this.#stacks() : nothing}
      ${this.visited.has("echo") ? this.#echo() : nothing}
      ${this.visited.has(this.view) ? nothing : html`<main class="coming">${this.#troubles()}${this.#coming()}</main>`}`;
  }

  /** The head of a view that is still to come, where it is the same whatever the view will show: to be read meanwhile. */
  #coming() {
    if (!isMeasured(this.view)) return nothing;
    return html`
      <section class="comparison card">
        <header><div><h2>${t(`views.${this.view}`)}</h2><p class="hint">${t(`${this.view}.lead`)}</p></div></header>
      </section>`;
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

  #race() {
    const shown = this.view === "race";
    return html`
      <main ?hidden=${!shown} @ew-open=${(/** @type {CustomEvent<string>} */ { detail }) => this.#open(detail)}
        @ew-settings=${(/** @type {CustomEvent<Settings>} */ { detail }) => this.#set("race", detail)}>
        ${shown ? this.#troubles() : nothing}
        <ew-race .services=${this.services} .statuses=${this.statuses} .settings=${this.settings.race}></ew-race>
      </main>`;
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
    const shown = this.view === "echo";
    return html`
      <main class="fills" ?hidden=${!shown}>
        ${shown ? this.#troubles() : nothing}
        <ew-echo @ew-panes=${(/** @type {CustomEvent<Selection[]>} */ { detail }) => this.#panes(detail)} .services=${this.services} .statuses=${this.statuses} .selections=${this.selections} .sideBySide=${this.sideBySide} .linkTo=${this.#linkTo}
          @ew-selected=${(/** @type {CustomEvent<{ index: number, selection: Selection }>} */ { detail }) => this.#selected(detail.index, detail.selection)}></ew-echo>
      </main>`;
  }

  /** @param {View} view @returns {string} where it is, as things stand */
  #address(view) {
    if (isSettable(view)) return writeSettings(location.search, view, this.settings[view]);
    if (view === "chat") return writeRoomAddress(location.search, view, this.chatService);
    if (view === "push") return writeRoomAddress(location.search, view, this.pushService);
    if (view === "stacks") return writeStacksAddress(location.search, this.table);
    return writeAddress(location.search, this.selections.slice(0, this.sideBySide ? 2 : 1));
  }

  /** Loads a view when it is first shown. @param {View} view */
  async #show(view) {
    try {
      preload(view);
      if (USE_RESULTS.includes(view)) this.results.load();
      if (USE_STATUSES.includes(view)) this.statuses.watch(this.services ?? NO_SERVICES);
      await again(LOADS[view]);
      this.view = view;
      this.visited = new Set([...this.visited, view]);
    } catch (error) {
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
    if (isSettable(view)) this.settings = { ...this.settings, [view]: settings };
  }

  /** @param {Settable} view @param {Settings} settings */
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
    this.#echoElement?.open(service);
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

  async #showDemos() {
    try {
      await this.#echoElement?.showDemos();
    } catch (error) {
      this.#complain({ key: "views.failed", params: { detail: /** @type {Error} */ (error).message } });
    }
  }

  /** @param {Selection[]} panes what both panes are to show */
  #panes(panes) {
    this.selections = panes;
    this.sideBySide = true;
    this.#remember();
  }

  /** @param {Event & { target: HTMLInputElement }} event */
  #compare({ target }) {
    this.sideBySide = target.checked;
    this.#remember();
  }

  /** @param {import("../i18n/i18n.js").Language} chosen @returns {Promise<boolean>} whether the texts could be loaded */
  async #speak(chosen) {
    try {
      await again(() => loadLanguage(chosen));
      setLanguage(chosen);
      return true;
    } catch (error) {
      this.#complain({ key: "page.languageFailed", params: { detail: /** @type {Error} */ (error).message } });
      return false;
    }
  }

  /** A link to what is shown. @param {string[]} offered the subprotocols of each pane @param {{ kind: string, text: string }} message */
  #linkTo = (offered, message) => {
    const { search, whole } = writeShared(this.selections.slice(0, this.sideBySide ? 2 : 1), offered, message);
    return { link: new URL(search, location.href).href, whole };
  };

  /** @param {Event & { target: HTMLSelectElement }} event */
  #themed({ target }) {
    setTheme(/** @type {import("../shared/theme.js").Theme} */ (target.value));
  }

  async #turn() {
    const chosen = language() === "zh" ? "en" : "zh";
    if (!(await this.#speak(chosen))) return;
    rememberLanguage(chosen);
    const query = new URLSearchParams(location.search);
    query.set("lang", chosen);
    history.replaceState(null, "", `?${query}`);
  }

  #remember() {
    history.replaceState(null, "", this.#address(this.view));
    this.requestUpdate(); // the links to the views depend on the address, which is not a property
  }
}

customElements.define("ew-app", App);
