// Push or poll: the same room, heard in four ways at once, and what each of them takes. Loaded when first shown.
import { html, nothing } from "lit";
import "./measured.js";
import { live } from "lit/directives/live.js";
import { Hearing, Ledger } from "./hearing.js";
import { lane } from "./lane.js";
import { Socket, countBytes, listener } from "./listeners.js";
import { t } from "../i18n/i18n.js";
import { Component } from "../shared/component.js";
import { formatDuration, formatSize } from "../shared/format.js";
import { chatTarget } from "../shared/target.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("./listeners.js").Transport} Transport */

/** @type {Transport[]} */
const TRANSPORTS = ["poll", "long-poll", "events", "websocket"];
const FRAME = 500; // milliseconds between drawings
const SECONDS = [1, 5, 10, 30, 60]; // between the messages that the page says by itself
const MOST = 30; // messages that it says so, before somebody has to want more

class Push extends Component {
  static properties = {
    services: { attribute: false },
    results: { attribute: false },
    selected: { attribute: false },
    shown: { attribute: false },
    every: { state: true },
    speaks: { state: true },
    spoken: { state: true },
  };

  constructor() {
    super();
    /** @type {Service[]} */
    this.services = [];
    /** @type {import("../results/results.js").Results} */
    this.results = /** @type {any} */ (undefined); // always given
    this.selected = ""; // the stack that is listened to
    this.shown = false;
    this.every = 5; // seconds between polls
    this.speaks = 5; // seconds between messages, 0 for none
    this.spoken = 0; // messages since somebody wanted some
    /** @type {Map<Transport, Hearing>} */
    this.hearings = new Map();
    /** @type {Socket | null} */
    this.socket = null;
    /** @type {import("./listeners.js").Listener[]} */
    this.listeners = [];
    this.listening = ""; // the stack that is being listened to
    this.ledger = new Ledger();
    this.number = 0;
    /** @type {PerformanceObserver | null} */
    this.bytes = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.drawing = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.speaking = undefined;
    this.visibility = () => this.#listenOrNot();
  }

  connectedCallback() {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.visibility);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.visibility);
    this.#stop();
  }

  /** Those whose room can be heard in another way than by the WebSocket. */
  get able() {
    return this.services.filter(({ push }) => push.length > 0);
  }

  get service() {
    return this.able.find(({ name }) => name === this.selected) ?? this.able[0];
  }

  updated() {
    this.#listenOrNot();
  }

  render() {
    const { service } = this;
    if (service === undefined)
      return this.services.length > 0 ? html`<p class="nothing">${t("push.none")}</p>` : nothing;
    return html`
      <section class="push card" role="region" aria-labelledby="push-title">
        <header>
          <h2 id="push-title">${t("push.heading")}</h2>
          <p>${t("push.intro")}</p>
        </header>
        <div class="controls">
          <label>${t("push.stack")}
            <select .value=${live(service.name)} @change=${this.#choose}>
              ${this.able.map(({ name, title }) => html`<option value=${name} ?selected=${name === service.name}>${title}</option>`)}
            </select></label>
          <label>${t("push.every", { seconds: this.every })}
            <input type="range" min="1" max="30" step="1" .value=${live(String(this.every))} @input=${this.#pace}></label>
          <label>${t("push.speaks")}
            <select .value=${live(String(this.speaks))} @change=${this.#speakEvery}>
              ${[0, ...SECONDS].map((seconds) => html`<option value=${seconds} ?selected=${seconds === this.speaks}>${seconds === 0 ? t("push.never") : t("push.seconds", { seconds })}</option>`)}
            </select></label>
          <button type="button" ?disabled=${this.socket === null} @click=${this.#say}>${t("push.say")}</button>
        </div>
        <ol class="lanes">${[...this.hearings].map(([transport, hearing]) => this.#lane(transport, hearing))}</ol>
        <p class="legend">${t("push.legend")} ${t("push.counted")}</p>
        ${this.spoken >= MOST ? html`<p class="notice">${t("push.enough", { most: MOST })}</p>` : nothing}
        <p class="advice">${t("push.advice")}</p>
      </section>
      <ew-push-measured .results=${this.results} .service=${service.name} .stack=${service.title}></ew-push-measured>`;
  }

  /** @param {Transport} transport @param {Hearing} hearing */
  #lane(transport, hearing) {
    const { late, each, heard, requests, empty, bytes, twice, trouble } = hearing;
    const figures = {
      heard: String(heard),
      late: late === null ? "–" : formatDuration(late.median),
      requests:
        transport === "poll" || transport === "long-poll"
          ? t("push.ofThemEmpty", { requests, empty })
          : String(requests),
      bytes: formatSize(bytes),
      each: each === null ? "–" : formatSize(Math.round(each)),
    };
    const name = t(`push.${transport}`);
    const label = t("push.picture", { name, heard, requests });
    return html`
      <li data-transport=${transport} data-heard=${heard} data-repeats=${twice}>
        <div class="how"><h3>${name}</h3><p>${t(`push.${transport}.how`, { seconds: this.every })}</p></div>
        ${lane(hearing, performance.now(), label)}
        <dl>${Object.entries(figures).map(([key, value]) => html`<div><dt>${t(`push.${key}`)}</dt><dd data-figure=${key}>${value}</dd></div>`)}</dl>
        ${trouble === null ? nothing : html`<p class="notice" role="status">${t(trouble.key, trouble.params)}</p>`}
      </li>`;
  }

  #listenOrNot() {
    const wanted = this.shown && !document.hidden ? (this.service?.name ?? "") : "";
    if (wanted === this.listening) return;
    this.#stop();
    if (wanted !== "") this.#start();
  }

  #start() {
    const { service } = this;
    this.listening = service.name;
    this.ledger = new Ledger();
    this.hearings = new Map(
      TRANSPORTS.filter((transport) => transport === "websocket" || service.push.includes(transport)).map(
        (transport) => [transport, new Hearing(this.ledger)],
      ),
    );
    const hearing = (/** @type {Transport} */ transport) => /** @type {Hearing} */ (this.hearings.get(transport));
    const others = service.push.map((transport) =>
      listener(transport, service.name, hearing(transport), () => this.every),
    );
    const socket = (this.socket = new Socket(chatTarget(service, location), hearing("websocket")));
    this.listeners = [socket, ...others];
    this.bytes = countBytes(service.name, (transport) => this.hearings.get(transport));
    // All begin after the same message: the latest one when the WebSocket came into the room.
    socket.addEventListener("live", () => {
      for (const other of others) other.start(socket.after);
      this.spoken = 0;
      this.#goOnSpeaking(1000);
    });
    socket.start();
    // Time passes, which is no property; this draws what the listeners have heard meanwhile as well.
    this.drawing = setInterval(() => this.requestUpdate(), FRAME);
    this.requestUpdate();
  }

  #stop() {
    this.listening = "";
    clearInterval(this.drawing);
    clearTimeout(this.speaking);
    this.bytes?.disconnect();
    for (const listener of this.listeners) listener.stop();
    this.listeners = [];
    this.socket = null;
  }

  /** @param {number} wait milliseconds until the next message */
  #goOnSpeaking(wait) {
    clearTimeout(this.speaking);
    if (this.speaks === 0 || this.spoken >= MOST) return;
    this.speaking = setTimeout(() => {
      this.spoken++;
      this.#sayOne();
      this.#goOnSpeaking(this.#pause());
    }, wait);
  }

  /** @returns {number} milliseconds between messages: news does not keep step with those who poll for it */
  #pause() {
    return this.speaks * 1000 * (0.5 + Math.random());
  }

  #sayOne() {
    const text = t("push.text", { number: ++this.number, time: new Date().toISOString().slice(11, 23) });
    this.ledger.say(text, performance.now());
    this.socket?.say(t("push.nick"), text);
  }

  #say() {
    this.spoken = 0;
    this.#sayOne();
    this.#goOnSpeaking(this.#pause());
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #choose({ target }) {
    this.selected = target.value;
    this.tell("ew-push-select", target.value);
  }

  /** @param {Event & { target: HTMLInputElement }} event */
  #pace({ target }) {
    this.every = Number(target.value);
    for (const listener of this.listeners) listener.changePace?.();
    this.hearings.get("poll")?.changePace();
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #speakEvery({ target }) {
    this.speaks = Number(target.value);
    this.spoken = 0;
    this.#goOnSpeaking(this.#pause());
  }
}

customElements.define("ew-push", Push);
