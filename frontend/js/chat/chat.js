// The chat room as a view: by which stack, as whom, who else, what is said, and the box to say something.
import { html, nothing } from "lit";
import { ifDefined } from "lit/directives/if-defined.js";
import { live } from "lit/directives/live.js";
import "./chat-box.js";
import "../source/source.js";
import { badge } from "./chat-log.js";
import { checkNick } from "./room.js";
import { firstNick, ownMessages, rememberNick, rememberOwnMessages } from "./self.js";
import { Visit } from "./visit.js";
import { t } from "../i18n/i18n.js";
import { byEra } from "../shared/catalog.js";
import { Component } from "../shared/component.js";
import { Countdown, stateText } from "../shared/countdown.js";
import { Follows } from "../shared/follows.js";
import { yardstick } from "../shared/mark.js";
import { sentence } from "../shared/sentence.js";
import { chatTarget } from "../shared/target.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("../i18n/i18n.js").Message} Message */

class Chat extends Component {
  static properties = {
    services: { attribute: false },
    statuses: { attribute: false },
    selected: { type: String },
    shown: { type: Boolean },
    nick: { state: true },
    typed: { state: true },
    nickError: { state: true },
    sourceOpen: { state: true },
  };

  constructor() {
    super();
    /** @type {Service[]} */
    this.services = [];
    /** @type {import("../shared/catalog.js").StatusBoard} */
    this.statuses = /** @type {any} */ (undefined); // always given
    this.selected = "";
    this.shown = false;
    this.visit = new Visit();
    this.visit.room.own = ownMessages();
    this.nick = firstNick();
    this.typed = this.nick; // what is in the box of the nick
    /** @type {Message | null} what is wrong with the nick in its box */
    this.nickError = null;
    this.wanted = true; // false once somebody pressed Leave
    this.sourceOpen = false;
    /** @type {number | undefined} */
    this.frame = undefined;
    this.visit.addEventListener("said", () => this.#said());
    new Follows(this, () => this.visit, ["room"]);
    new Follows(this, () => this.visit, ["state"], this.#stateChanged);
    new Follows(this, () => this.statuses, ["change"], this.#statusChanged);
    new Countdown(this, () => this.visit);
  }

  connectedCallback() {
    super.connectedCallback();
    addEventListener("online", this.#hurry);
    document.addEventListener("visibilitychange", this.#hurry);
    addEventListener("pagehide", this.#remember);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    removeEventListener("online", this.#hurry);
    document.removeEventListener("visibilitychange", this.#hurry);
    removeEventListener("pagehide", this.#remember);
  }

  /** A phone that wakes up, or has a network again, does not wait for the rest of the backoff. */
  #hurry = () => {
    if (!document.hidden) this.visit.hurry();
  };

  #remember = () => rememberOwnMessages(this.visit.room.own);

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has("selected") || changed.has("shown")) this.#go();
  }

  get service() {
    return this.services.find(({ name }) => name === this.selected) ?? null;
  }

  /** Is where it should be: in the room by the chosen stack, or nowhere. The old socket is closed first. */
  async #go() {
    const { visit, service } = this;
    const wanted = this.wanted && this.shown && service !== null;
    if (wanted && visit.target?.service === service && visit.state !== "disconnected" && visit.state !== "closing")
      return;
    await visit.leave();
    const stillSo = this.wanted && this.shown && this.service === service;
    if (wanted && stillSo && visit.state === "disconnected") visit.connect(chatTarget(service, location));
  }

  /** However many messages come, one rendering a frame. It is asked for here, since they are the room's, no property. */
  #said() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.requestUpdate();
    });
  }

  #stateChanged = () => {
    const { state, target } = this.visit;
    if (state === "waiting" && target?.service) this.statuses.suspect(target.service.name);
  };

  /** @param {Event} event of the board: which stack's status changed */
  #statusChanged = (event) => {
    const { detail: name } = /** @type {CustomEvent<string>} */ (event);
    if (name === this.selected && this.statuses.of(name).state === "up") this.visit.hurry();
  };

  render() {
    const {
      service,
      visit: { room, state },
    } = this;
    return html`
      <section class="chat ${this.sourceOpen ? "with-source" : ""}" role="region" aria-label=${t("room")}
        data-state=${state} data-live=${ifDefined(room.live ?? undefined)} data-last=${ifDefined(room.last || undefined)}
        data-repeats=${room.repeats} data-disorder=${room.disorder}>
        <div class="chat-side card">
          ${this.#dials(service)}
          ${this.#connection()}
          ${this.#online()}
        </div>
        <div class="chat-talk card" @ew-chat-said=${this.#toEnd}>
          <ew-chat-log .visit=${this.visit} .services=${this.services}></ew-chat-log>
          <ew-chat-box .visit=${this.visit} .nick=${this.nick} .nickError=${this.nickError}></ew-chat-box>
        </div>
        ${this.sourceOpen ? html`<ew-source class="source card" id="chat-source" first="chat" .service=${service}></ew-source>` : nothing}
      </section>`;
  }

  /** @param {Service | null} service */
  #dials(service) {
    return html`
      <div class="chat-dials">
        <label>${t("room.stack")}
          <select @change=${this.#choose}>
            ${byEra(this.services).map(
              ([era, services]) => html`
              <optgroup label=${t(`era.${era}`)}>
                ${services.map(({ name, title }) => this.#option(name, title))}
              </optgroup>`,
            )}
          </select></label>
        <label>${t("room.nick")}
          <input type="text" autocomplete="nickname" autocapitalize="off" spellcheck="false" enterkeyhint="done" .value=${live(this.typed)}
            aria-invalid=${this.nickError ? "true" : nothing} aria-describedby="chat-nick-error"
            @input=${this.#typing} @change=${this.#rename} @keydown=${this.#nickKey}></label>
        <small class="error" role="alert" id="chat-nick-error">${this.nickError ? t(this.nickError.key, this.nickError.params) : nothing}</small>
      </div>
      ${service === null ? nothing : html`<p class="chat-about">${yardstick(service)} ${sentence(service.summary)}</p>`}`;
  }

  /** @param {string} name @param {string} title */
  #option(name, title) {
    const down = this.statuses.of(name).state === "down";
    return html`<option value=${name} .selected=${live(name === this.selected)} ?disabled=${down}>${down ? t("room.down", { title }) : title}</option>`;
  }

  #connection() {
    const { state } = this.visit;
    const out = state === "disconnected" || state === "closing";
    return html`
      <div class="chat-line">
        <span class="line" data-state=${this.#lamp()}><span class="lamp" aria-hidden="true"></span>
          <output aria-label=${t("connection")}>${this.#stateText()}</output></span>
        <span class="chat-buttons">
          <button type="button" class="outline secondary" aria-disabled=${state === "closing"} @click=${this.#inOrOut}>${t(out ? "room.join" : "room.leave")}</button>
          <button type="button" class="outline how" aria-expanded=${this.sourceOpen}
            aria-controls=${ifDefined(this.sourceOpen ? "chat-source" : undefined)} @click=${this.#toggleSource}>${t("source")}</button>
        </span>
      </div>`;
  }

  #lamp() {
    const { state, room } = this.visit;
    return state === "connected" && room.live !== true ? "connecting" : state;
  }

  #stateText() {
    const { state, room } = this.visit;
    if (state === "connected" && room.live === null) return t("state.connecting");
    if (state === "connected" && !room.live) return t("room.redis");
    return stateText(this.visit);
  }

  #online() {
    const here = Object.entries(this.visit.room.online).filter(([, count]) => count > 0);
    const place = (/** @type {string} */ name) => this.services.findIndex((service) => service.name === name);
    here.sort(([a], [b]) => place(a) - place(b));
    const total = here.reduce((sum, [, count]) => sum + count, 0);
    return html`
      <div class="online">
        <h2 id="chat-online">${t("room.online")}</h2>
        <ul aria-labelledby="chat-online" tabindex="0">
          ${here.map(
            ([name, count]) => html`
            <li data-service=${name} data-count=${count} class="badge ${badge(place(name))}"><span>${this.services[place(name)]?.title ?? name}</span> <b>${count}</b></li>`,
          )}
        </ul>
        <p class="hint">${total === 0 ? t("room.nobody") : t("room.total", { count: total })}</p>
      </div>`;
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #choose({ target }) {
    this.tell("ew-chat-select", target.value);
  }

  /** @param {Event & { target: HTMLInputElement }} event */
  #typing({ target }) {
    this.typed = target.value;
  }

  /** @param {Event & { target: HTMLInputElement }} event */
  #rename({ target }) {
    this.nick = this.typed = target.value.trim();
    this.nickError = checkNick(this.nick);
    if (this.nickError === null) rememberNick(this.nick);
  }

  /** @param {KeyboardEvent & { target: HTMLInputElement }} event */
  #nickKey(event) {
    if (event.key === "Enter" && !event.isComposing && event.keyCode !== 229) this.#rename(event);
  }

  #inOrOut() {
    const { state } = this.visit;
    if (state === "closing") return;
    this.wanted = state === "disconnected";
    if (this.wanted) this.#go();
    else this.visit.goOut();
  }

  #toEnd() {
    const log = this.querySelector("ew-chat-log");
    /** @type {import("./chat-log.js").ChatLog} */ (log).toEnd();
  }

  #toggleSource() {
    this.sourceOpen = !this.sourceOpen;
  }
}

customElements.define("ew-chat", Chat);
