// One stack: the selector, the connection, its log, and how it is done.
import { html, nothing } from "lit";
import { ifDefined } from "lit/directives/if-defined.js";
import { live } from "lit/directives/live.js";
import "./log-view.js";
import "./selector.js";
import "../source/source.js";
import { checkClose } from "./close-codes.js";
import { sentence } from "../shared/sentence.js";
import { parseProtocols } from "../verify/payload.js";
import { t } from "../i18n/i18n.js";
import { Component } from "../shared/component.js";
import { Countdown, stateText } from "../shared/countdown.js";
import { Follows } from "../shared/follows.js";
import { Media } from "../shared/media.js";
import { keep, kept } from "../shared/kept.js";
import { yardstick } from "../shared/mark.js";
import { PROTOCOLS, targetOf } from "../shared/target.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("../shared/target.js").Selection} Selection */
/** @typedef {import("../i18n/i18n.js").Message} Message */

const NO_PROTOCOLS = { "websocket": "protocols.hint", "socket.io": "protocols.none", "events": "protocols.noneEvents" };
const NO_REASON = { "websocket": "", "socket.io": "close.none", "events": "close.noneEvents" };

export class Pane extends Component {
  static properties = {
    number: { type: Number },
    services: { attribute: false },
    statuses: { attribute: false },
    conversation: { attribute: false },
    beside: { attribute: false },
    compared: { type: Boolean },
    selection: { attribute: false },
    sourceOpen: { state: true },
    more: { state: true },
    errors: { state: true },
  };

  constructor() {
    super();
    this.number = 0;
    /** @type {Service[]} */
    this.services = [];
    /** @type {import("../shared/catalog.js").StatusBoard} */
    this.statuses = /** @type {any} */ (undefined); // always given
    /** @type {import("./conversation.js").Conversation} */
    this.conversation = /** @type {any} */ (undefined); // always given
    /** @type {import("./conversation.js").Conversation} of the other pane, which may be shown */
    this.beside = /** @type {any} */ (undefined); // always given
    this.compared = false; // whether it is
    /** @type {Selection} */
    this.selection = /** @type {any} */ (undefined); // always given
    this.sourceOpen = false;
    this.more = false; // whether a phone shows the settings that are seldom needed
    this.narrow = new Media(this, "(width < 60rem)"); // no room for the list of stacks
    this.wide = new Media(this, "(width >= 85rem)"); // room for the source beside the conversation
    this.wanted = false; // whether to connect once the old socket is closed
    /** @type {Partial<Record<"url" | "protocols" | "code" | "reason", Message>>} what is wrong, by field */
    this.errors = {};
    new Follows(this, () => this.conversation, ["state"]);
    new Follows(this, () => this.statuses, ["change"], this.#statusChanged);
    new Countdown(this, () => this.conversation);
  }

  connectedCallback() {
    super.connectedCallback();
    if (kept(this.#id("reconnects")) === "no") this.conversation.setReconnects(false);
    if (this.selection.service === null && this.selection.url !== "") this.#target(); // says what is wrong with ?url=
  }

  get service() {
    return this.services.find(({ name }) => name === this.selection.service) ?? null;
  }

  /** @returns {import("../shared/target.js").Protocol} */
  get speaks() {
    return this.service?.protocol ?? this.selection.protocol ?? "websocket";
  }

  /** The subprotocols, as they are typed. */
  get offered() {
    return this.speaks === "websocket" ? this.#input("protocols").value : "";
  }

  /** @param {string} name an id that is this pane's own */
  #id(name) {
    return `pane${this.number}-${name}`;
  }

  /** @param {string} name @returns {HTMLInputElement} */
  #input(name) {
    return /** @type {HTMLInputElement} */ (this.querySelector(`#${this.#id(name)}`));
  }

  render() {
    const { service } = this;
    return html`
      <section class="pane ${this.sourceOpen ? "with-source" : ""}" role="region" aria-label=${t(this.number === 1 ? "pane.first" : "pane.second")}>
        <ew-selector class="stacks card" .number=${this.number} .services=${this.services} .statuses=${this.statuses}
          .selected=${this.selection.service} .compact=${this.compared || this.narrow.matches}
          @ew-choose=${(/** @type {CustomEvent<string | null>} */ { detail }) => this.choose(detail)}></ew-selector>
        <div class="talk card ${this.more ? "more" : ""}">
          ${this.#heading(service)}
          ${this.#controls(service)}
          <ew-log .number=${this.number} .conversation=${this.conversation} .beside=${this.beside} .compared=${this.compared}></ew-log>
        </div>
        ${this.sourceOpen ? this.#source(service) : nothing}
      </section>`;
  }

  updated() {
    const dialog = /** @type {HTMLDialogElement | null} */ (this.querySelector("dialog.source-drawer"));
    if (dialog && !dialog.open) dialog.showModal();
  }

  /** How it is done: beside the conversation where there is room, else before it. @param {Service | null} service */
  #source(service) {
    if (this.wide.matches && !this.compared) {
      return html`<ew-source class="source card" id=${this.#id("source")} .service=${service}></ew-source>`;
    }
    return html`
      <dialog class="side source-drawer" id=${this.#id("source")} aria-labelledby=${this.#id("source-title")} @close=${this.#closeSource}>
        <header><h2 id=${this.#id("source-title")}>${service?.title ?? t("own.title")}</h2>
          <button type="button" class="outline" @click=${this.#closeSource}>${t("source.close")}</button></header>
        <ew-source class="source" .service=${service}></ew-source>
      </dialog>`;
  }

  /** @param {Service | null} service */
  #heading(service) {
    const source = html`<button type="button" class="outline more-toggle" aria-expanded=${this.more} @click=${() => (this.more = !this.more)}>${t("pane.more")}</button>
      <button type="button" class="outline how" aria-expanded=${this.sourceOpen}
      aria-controls=${ifDefined(this.sourceOpen ? this.#id("source") : undefined)} @click=${this.#toggleSource}>${t("source")}</button>`;
    if (service === null) {
      return html`<header class="about"><div class="title"><h2 tabindex="-1">${t("own.title")}</h2>${source}</div><p class="summary extra">${t("own.summary")}</p></header>`;
    }
    const { state, versions, error } = this.statuses.of(service.name);
    const known = Object.entries(versions);
    return html`
      <header class="about">
        <div class="title"><h2 tabindex="-1">${service.title}</h2>${yardstick(service)}${source}</div>
        <p class="summary extra">${sentence(service.summary)}</p>
        <ul class="versions extra" aria-label=${t("versions")}>
          ${known.length === 0 ? html`<li>${t("versions.none")}</li>` : known.map(([name, version]) => html`<li><span>${name}</span> ${version}</li>`)}
        </ul>
      </header>
      ${
        state === "down"
          ? html`<p class="notice down" role="alert"><strong>${t("down.title", { title: service.title })}</strong>
        <span>${t("down.said", { error })}</span></p>`
          : nothing
      }`;
  }

  /** @param {Service | null} service */
  #controls(service) {
    const { state, protocol } = this.conversation;
    // The buttons are aria-disabled, since a disabled one loses the focus of who has just pressed it.
    const idle = state === "disconnected" || state === "waiting";
    return html`
      <div class="dials">
      <form class="controls" novalidate @submit=${this.#connect}>
        ${
          service === null
            ? html`<label>${t("own.protocol")}
          <select .value=${live(this.speaks)} @change=${this.#protocolChanged}>
            ${PROTOCOLS.map((protocol) => html`<option value=${protocol} ?selected=${protocol === this.speaks}>${t(`own.${protocol}`)}</option>`)}
          </select></label>
          <label class="address">${t("own.url")}
          <input type="text" inputmode="url" id=${this.#id("url")} autocomplete="off" spellcheck="false" placeholder=${t(`own.example.${this.speaks}`)}
            .value=${this.selection.url} @change=${this.#urlChanged}
            aria-invalid=${this.errors.url ? "true" : nothing} aria-describedby=${this.#id("url-error")}>
          ${this.#error("url")}</label>`
            : nothing
        }
        ${
          service?.naive
            ? html`<label>${t("handler")}
          <select .value=${live(this.selection.handler)} @change=${this.#handlerChanged} aria-describedby=${this.#id("naive")}>
            <option value="healthy">${t("handler.healthy")}</option>
            <option value="naive">${t("handler.naive")}</option>
          </select></label>`
            : nothing
        }
        <label class="extra">${t("protocols")}
          <input type="text" id=${this.#id("protocols")} autocomplete="off" spellcheck="false"
            .defaultValue=${kept(this.#id("protocols"))} @change=${this.#keepField} ?disabled=${this.speaks !== "websocket"}
            placeholder=${t(NO_PROTOCOLS[this.speaks])}
            aria-invalid=${this.errors.protocols ? "true" : nothing} aria-describedby=${this.#id("protocols-error")}>
          ${this.#error("protocols")}</label>
        <button type="submit" aria-disabled=${!idle}>${t("connect")}</button>
      </form>
      <form class="controls" novalidate @submit=${this.#disconnect}>
        <label class="short extra">${t("close.code")}
          <input type="number" id=${this.#id("code")} min="1000" max="4999" step="1" .defaultValue=${kept(this.#id("code")) || "1000"}
            @change=${this.#keepField} ?disabled=${this.speaks !== "websocket"}
            aria-invalid=${this.errors.code ? "true" : nothing} aria-describedby=${this.#id("code-error")}>
          ${this.#error("code")}</label>
        <label class="extra">${t("close.reason")}
          <input type="text" id=${this.#id("reason")} autocomplete="off" .defaultValue=${kept(this.#id("reason"))}
            @change=${this.#keepField} ?disabled=${this.speaks !== "websocket"}
            placeholder=${ifDefined(NO_REASON[this.speaks] && t(NO_REASON[this.speaks]))}
            aria-invalid=${this.errors.reason ? "true" : nothing} aria-describedby=${this.#id("reason-error")}>
          ${this.#error("reason")}</label>
        <button type="submit" class="secondary" aria-disabled=${state === "disconnected" || state === "closing"}>${t("disconnect")}</button>
      </form>
      </div>
      ${
        service?.naive && this.selection.handler === "naive"
          ? html`<p class="notice naive" id=${this.#id("naive")}>${sentence(service.naive.summary)}</p>`
          : nothing
      }
      <div class="line" data-state=${state}>
        <span class="lamp" aria-hidden="true"></span>
        <output aria-label=${t("connection")}>${stateText(this.conversation)}</output>
        ${protocol === "" ? nothing : html`<span class="protocol">${t("protocol.selected", { name: protocol })}</span>`}
        <label class="auto extra"><input type="checkbox" .checked=${live(this.conversation.reconnects)}
          @change=${this.#reconnectsChanged}>${t("reconnect")}</label>
      </div>`;
  }

  /** @param {keyof Pane["errors"]} field */
  #error(field) {
    const message = this.errors[field];
    return html`<small class="error" role="alert" id=${this.#id(`${field}-error`)}>${message ? t(message.key, message.params) : nothing}</small>`;
  }

  /** @returns {import("../shared/target.js").Target | null} null after saying what is wrong with the address */
  #target() {
    const target = targetOf(this.selection, this.services, location);
    this.errors = { ...this.errors, url: "error" in target ? target.error : undefined };
    return "error" in target ? null : target;
  }

  /** @param {Event} [event] */
  #connect(event) {
    event?.preventDefault();
    if (!["disconnected", "waiting"].includes(this.conversation.state)) return;
    if (this.selection.service === null) this.#keep({ url: this.#input("url").value.trim() });
    const target = this.#target();
    const parsed = parseProtocols(this.offered);
    this.errors = { ...this.errors, protocols: "error" in parsed ? parsed.error : undefined };
    if (target === null || "error" in parsed) return;
    this.conversation.connect(target, parsed.protocols);
  }

  /** @param {string | null} service */
  choose(service) {
    if (service !== this.selection.service) this.#select({ service, handler: "healthy" });
  }

  /** What the address asks for with ?connect=1. */
  connectNow() {
    this.#connect();
  }

  /** @param {Event} event */
  #disconnect(event) {
    event.preventDefault();
    const { state } = this.conversation;
    if (state === "disconnected" || state === "closing") return;
    if (this.speaks !== "websocket") {
      this.conversation.disconnect();
      return;
    }
    const code = this.#input("code");
    const checked = checkClose(code.validity.badInput ? "?" : code.value, this.#input("reason").value);
    const fine = { ...this.errors, code: undefined, reason: undefined };
    this.errors = "error" in checked ? { ...fine, [checked.field]: checked.error } : fine;
    if (!("error" in checked)) this.conversation.disconnect(checked.code, checked.reason);
  }

  /** @param {Partial<Selection>} part */
  #keep(part) {
    this.selection = { ...this.selection, ...part };
    this.tell("ew-select", this.selection);
  }

  /**
   * Closes the old socket; who was connected is connected to the new one.
   * @param {Partial<Selection>} part
   */
  async #select(part) {
    this.#keep(part);
    const { conversation } = this;
    this.wanted ||= conversation.state !== "disconnected" && conversation.state !== "closing";
    const selection = this.selection;
    await conversation.leave();
    conversation.startTally();
    if (this.selection !== selection) return; // chosen again meanwhile
    await this.updateComplete;
    if (this.wanted) this.#connect();
    this.wanted = false;
  }

  /** @param {Event & { target: HTMLInputElement }} event */
  #urlChanged({ target }) {
    if (this.conversation.state === "disconnected") this.#keep({ url: target.value.trim() });
    else this.#select({ url: target.value.trim() });
    this.#target();
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #protocolChanged({ target }) {
    const protocol = /** @type {import("../shared/target.js").Protocol} */ (target.value);
    this.errors = {};
    this.#select({ protocol, url: this.#input("url").value.trim() });
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #handlerChanged({ target }) {
    this.#select({ handler: target.value === "naive" ? "naive" : "healthy" });
  }

  /** @param {Event & { target: HTMLInputElement }} event */
  #reconnectsChanged({ target }) {
    this.conversation.setReconnects(target.checked);
    keep(this.#id("reconnects"), target.checked ? "yes" : "no");
  }

  /** @param {Event & { target: HTMLInputElement }} event of a field whose id is the name of what is kept */
  #keepField({ target }) {
    keep(target.id, target.value);
  }

  #toggleSource() {
    this.sourceOpen = !this.sourceOpen;
  }

  async #closeSource() {
    if (!this.sourceOpen) return;
    this.sourceOpen = false;
    await this.updateComplete;
    /** @type {HTMLElement} */ (this.querySelector(".how")).focus();
  }

  /** @param {Event} event of the board: which stack's status changed */
  #statusChanged = (event) => {
    const { detail: name } = /** @type {CustomEvent<string>} */ (event);
    if (name === this.selection.service && this.statuses.of(name).state === "up") this.conversation.hurry();
  };
}

customElements.define("ew-pane", Pane);
