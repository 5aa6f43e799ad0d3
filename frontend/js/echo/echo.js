// The echo: one stack or two side by side, and the box whose messages go to each of them.
import { html, nothing } from "lit";
import "./composer.js";
import "./pane.js";
import { Conversation } from "./conversation.js";
import { t } from "../i18n/i18n.js";
import { again } from "../shared/again.js";
import { Component } from "../shared/component.js";
import { Follows } from "../shared/follows.js";
import { logo } from "../shared/logo.js";
import { targetOf } from "../shared/target.js";
import { parseProtocols } from "../verify/payload.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("../shared/target.js").Selection} Selection */
/** @typedef {import("../i18n/i18n.js").Message} Message */
/** @typedef {import("./pane.js").Pane} Pane */
/** @typedef {import("../verify/payload.js").Data} Data */

const BREATH = 8; // milliseconds of sending before the page may draw
const GLANCE = 100; // milliseconds of waiting for the next message before the page looks whether to go on
const MOST_WAITING = 4 * 1024 * 1024; // bytes that may wait in the browser before more are handed to it

export class Echo extends Component {
  static properties = {
    services: { attribute: false },
    statuses: { attribute: false },
    selections: { attribute: false },
    sideBySide: { type: Boolean },
    linkTo: { attribute: false },
    shared: { state: true },
    demos: { state: true },
    note: { state: true },
    sending: { state: true },
  };

  constructor() {
    super();
    /** @type {Service[]} */
    this.services = [];
    /** @type {import("../shared/catalog.js").StatusBoard} */
    this.statuses = /** @type {any} */ (undefined); // always given
    /** @type {Selection[]} of the two panes */
    this.selections = [];
    this.sideBySide = false;
    /** @type {(offered: string[], message: { kind: string, text: string }) => { link: string, whole: boolean }} a link to what is shown */
    this.linkTo = /** @type {any} */ (undefined); // always given
    /** @type {import("./share.js").Shared | null} what the dialog for that shows, while it is open */
    this.shared = null;
    this.conversations = [new Conversation(), new Conversation()];
    this.demos = false; // whether the demonstrations are loaded
    /** @type {Message | null} */
    this.note = null;
    this.sending = 0;
    this.stopped = false; // whether somebody has stopped the present sending
    for (const conversation of this.conversations) {
      new Follows(this, () => conversation, ["state"], this.#stateChanged);
    }
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("sideBySide") && !this.sideBySide) this.conversations[1].disconnect();
  }

  get shown() {
    return this.sideBySide ? [0, 1] : [0];
  }

  render() {
    const shown = this.shown.map((index) => this.conversations[index]);
    const states = shown.map(({ state }) => state);
    const open = shown.filter(({ state }) => state === "connected");
    const connected = open.some(({ oneWay }) => !oneWay);
    return html`
      ${
        this.demos
          ? html`<ew-show .services=${this.services} .statuses=${this.statuses} .conversations=${this.conversations}
        @ew-demo-closed=${this.#left}></ew-show>`
          : nothing
      }
      <div class="echo ${this.sideBySide ? "two" : "one"}">
        ${this.shown.map(
          (index) => html`
        <ew-pane .number=${index + 1} .services=${this.services} .statuses=${this.statuses}
          .conversation=${this.conversations[index]} .beside=${this.conversations[1 - index]} .compared=${this.sideBySide} .selection=${this.selections[index]}
          @ew-select=${(/** @type {CustomEvent<Selection>} */ { detail }) => this.tell("ew-selected", { index, selection: detail })}></ew-pane>`,
        )}
        <p class="motto">${logo()}<span>${t("page.motto")}</span></p>
        <ew-composer .connected=${connected} .oneWay=${open.length > 0} .idle=${states.includes("disconnected")} .both=${this.sideBySide}
          .note=${this.note} .sending=${this.sending}
          @ew-connect=${this.connectNow} @ew-send=${this.#send} @ew-stop=${this.#stop} @ew-share=${this.#share}></ew-composer>
        <ew-share .shared=${this.shared} @ew-share-close=${() => (this.shared = null)}></ew-share>
      </div>`;
  }

  /** Connects what is not connected: what the address asks for with ?connect=1, and what the composer's button does. */
  async connectNow() {
    await this.updateComplete;
    for (const pane of this.querySelectorAll("ew-pane")) /** @type {Pane} */ (pane).connectNow();
  }

  /** Writes a message that a link has, without sending it. @param {string} kind @param {string} text */
  async compose(kind, text) {
    await this.updateComplete;
    /** @type {import("./composer.js").Composer} */ (this.querySelector("ew-composer")).compose(kind, text);
  }

  /** Opens the list of demonstrations, which is loaded when it is first wanted. */
  async showDemos() {
    await again(() => import("./show.js"));
    this.demos = true;
    await this.updateComplete;
    /** @type {import("./show.js").Show} */ (this.querySelector("ew-show")).open();
  }

  /** A demonstration is over: what it opened is closed. */
  async #left() {
    await Promise.all(this.conversations.map((conversation) => conversation.leave()));
    /** @type {HTMLElement | null} */ (this.querySelector("h2"))?.focus();
  }

  /** Chooses a stack in the first pane, and goes there. @param {string} service */
  async open(service) {
    await this.updateComplete;
    const pane = /** @type {Pane} */ (this.querySelector("ew-pane"));
    await pane.updateComplete;
    pane.choose(service);
    pane.querySelector("h2")?.focus();
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
    const isOpen = (/** @type {number} */ index) =>
      this.conversations[index].state === "connected" && !this.conversations[index].oneWay;
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

  /** Opens the dialog with a link to what is shown, and with commands. @param {CustomEvent<{ kind: string, text: string }>} event */
  async #share({ detail }) {
    const offered = [.../** @type {NodeListOf<Pane>} */ (this.querySelectorAll("ew-pane"))].map((pane) => pane.offered);
    const panes = this.shown.flatMap((index) => {
      const target = targetOf(this.selections[index], this.services, location);
      const parsed = parseProtocols(offered[index]);
      return "error" in target ? [] : [{ target, protocols: "error" in parsed ? [] : parsed.protocols }];
    });
    try {
      await again(() => import("./share.js"));
      const text = detail.kind === "hex" ? "" : detail.text;
      this.shared = { ...this.linkTo(offered, detail), text, panes };
    } catch (error) {
      this.note = { key: "views.failed", params: { detail: /** @type {Error} */ (error).message } };
    }
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
    return this.services.find(({ name }) => name === service)?.title ?? t("own.title");
  }
}

customElements.define("ew-echo", Echo);
