// What is said in the room, as it is read: messages, days, what happened to the connection, and what is still on its way.
import { html, nothing } from "lit";
import { guard } from "lit/directives/guard.js";
import { ifDefined } from "lit/directives/if-defined.js";
import { repeat } from "lit/directives/repeat.js";
import { visible, withDays } from "./room.js";
import { language, t } from "../i18n/i18n.js";
import { Component } from "../shared/component.js";
import { Follows } from "../shared/follows.js";
import { formatDate } from "../shared/format.js";
import { Tail } from "../shared/tail.js";

/** @typedef {import("./room.js").Line} Line */
/** @typedef {import("./room.js").Pending} Pending */

const WINDOW = 2000; // lines in the page
const FLOOD = 250; // more new lines than this in one frame, and only the latest of them are drawn
const STEP = 100; // so many, and as many more with each calmer frame
const SETTLED = 500; // milliseconds after the history before a screen reader hears what is new
const MOST_LINES = 25; // of a message, before "Show all"
const EVENTS = ["said", "room", "state"];
const BADGES = 12;

export class ChatLog extends Component {
  static properties = {
    visit: { attribute: false },
    services: { attribute: false },
    paused: { state: true },
    expanded: { state: true },
    aloud: { state: true },
  };

  constructor() {
    super();
    /** @type {import("./visit.js").Visit} */
    this.visit = /** @type {any} */ (undefined); // always given
    /** @type {import("../shared/catalog.js").Service[]} */
    this.services = [];
    /** @type {{ from: number, seen: number } | null} the first seq shown and the last seen, while one reads further up */
    this.paused = null;
    this.size = WINDOW; // lines on the page: few in a flood, then growing to the whole window
    this.drawn = 0; // the last seq on the page
    /** @type {ReadonlySet<string>} the ids of the messages shown at length */
    this.expanded = new Set();
    this.cost = 0; // milliseconds that the last drawing took
    this.aloud = false; // whether a screen reader is to hear what is new: not the history
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.settling = undefined;
    this.tail = new Tail(this, ".log", {
      following: () => this.paused === null,
      pause: () => this.#pause(),
      resume: () => this.#resume(),
    });
    new Follows(this, () => this.visit, EVENTS);
  }

  /** However many messages come: one drawing a frame, and at least as much time for them as for drawing. */
  async scheduleUpdate() {
    await new Promise((resolve) => setTimeout(resolve, this.cost));
    await new Promise(requestAnimationFrame);
    const start = performance.now();
    super.scheduleUpdate();
    this.cost = performance.now() - start;
  }

  willUpdate() {
    const { lines } = this.visit.room;
    const fresh = lines.length - 1 - lines.findLastIndex(({ seq }) => seq <= this.drawn);
    this.size = fresh > FLOOD ? STEP : Math.min(WINDOW, this.size + STEP);
    this.drawn = lines.at(-1)?.seq ?? this.drawn;
  }

  updated() {
    const growing = this.paused === null && this.size < Math.min(WINDOW, this.visit.room.lines.length);
    if (growing) this.requestUpdate(); // there is more of the same work than one frame has time for
    this.#settle();
  }

  render() {
    const { room, state } = this.visit;
    const { lines, pending } = room;
    const { paused } = this;
    const shown =
      paused === null ? lines.slice(-this.size) : lines.filter(({ seq }) => seq >= paused.from).slice(0, WINDOW);
    const fresh = paused === null ? 0 : lines.filter((line) => line.seq > paused.seen && "said" in line).length;
    return html`
      <div class="log-frame">
        <div class="log" role="log" aria-label=${t("room.log")} aria-live=${this.aloud ? "polite" : "off"} tabindex="0" @scroll=${this.tail.scrolled}>
          ${
            lines.length === 0 && pending.length === 0
              ? html`<p class="nothing">${t(state === "connected" && room.live ? "room.empty" : "room.nothing")}</p>`
              : nothing
          }
          <ol>${repeat(
            withDays(shown),
            (row) => ("day" in row ? row.day : row.seq),
            (row) =>
              guard([row, "said" in row && this.expanded.has(row.said.id), language(), this.services], () =>
                this.#row(row),
              ),
          )}${repeat(
            pending,
            ({ seq }) => seq,
            (one) => this.#pending(one),
          )}</ol>
        </div>
        ${
          fresh > 0
            ? html`<button type="button" class="fresh" @click=${this.#goToEnd}>${t(
                fresh === 1 ? "room.newOne" : "room.new",
                { count: fresh },
              )}</button>`
            : nothing
        }
      </div>`;
  }

  /** @param {Line | { day: string, time: number }} row */
  #row(row) {
    if ("day" in row)
      return html`<li class="day" data-day=${row.day}><span>${formatDate(row.time, language(), "day")}</span></li>`;
    if ("event" in row) {
      return html`<li class="happening" data-event=${row.event} data-count=${ifDefined(row.count)}>
        <span>${row.notes.map(({ key, params }) => t(key, params)).join(" ")}</span> ${this.#time(row.time)}</li>`;
    }
    const { id, service, nick, text } = row.said;
    return html`
      <li class="said" data-id=${id} data-service=${service} ?data-mine=${row.mine}>
        <div class="who">${this.#speaker(service, nick)} ${this.#time(row.time)}</div>
        ${this.#text(id, text)}
      </li>`;
  }

  /** @param {string} id @param {string} text */
  #text(id, text) {
    const lines = text.split("\n");
    if (lines.length <= MOST_LINES || this.expanded.has(id))
      return html`<p class="text" dir="auto">${visible(text)}</p>`;
    return html`
      <p class="text" dir="auto">${visible(lines.slice(0, MOST_LINES).join("\n"))}</p>
      <button type="button" class="outline more" @click=${() => this.#expand(id)}>${t("room.more", { count: lines.length })}</button>`;
  }

  /** @param {string} id */
  #expand(id) {
    if (this.paused === null) this.#pause(); // one wants to see its beginning
    this.expanded = new Set([...this.expanded, id]);
    this.tail.box.focus(); // the button goes away, the reader stays
  }

  /** @param {Pending} pending */
  #pending(pending) {
    const { service, nick, text, state } = pending;
    const { visit } = this;
    return html`
      <li class="said" data-pending=${state} data-service=${service} data-mine>
        <div class="who">${this.#speaker(service, nick)} <span class="fate">${t(`room.${state}`)}</span></div>
        <p class="text" dir="auto">${visible(text)}</p>
        ${
          state === "sending"
            ? nothing
            : html`<span class="choices">
          <button type="button" class="outline" aria-disabled=${!visit.open} @click=${() => this.#decide(() => visit.sayAgain(pending))}>${t("room.again")}</button>
          <button type="button" class="outline secondary" @click=${() => this.#decide(() => visit.discard(pending))}>${t("room.discard")}</button></span>`
        }
      </li>`;
  }

  /** @param {() => void} act what to do with a message that was not said */
  #decide(act) {
    act();
    this.tail.box.focus();
  }

  /** @param {string} service @param {string} nick */
  #speaker(service, nick) {
    const place = this.services.findIndex(({ name }) => name === service);
    return html`<bdi class="nick">${visible(nick)}</bdi> <span class="badge ${badge(place)}">${this.services[place]?.title ?? visible(service)}</span>`;
  }

  /** @param {number} time */
  #time(time) {
    return html`<time datetime=${new Date(time).toISOString()} title=${formatDate(time, language(), "moment")}>${formatDate(time, language(), "minute")}</time>`;
  }

  /** What is read aloud is what is said from now on. */
  #settle() {
    const heard = this.visit.room.live === true;
    if (heard === this.aloud) return;
    clearTimeout(this.settling);
    if (heard) {
      this.settling = setTimeout(() => (this.aloud = this.visit.room.live === true), SETTLED);
    } else {
      this.aloud = false;
    }
  }

  #pause() {
    const { lines } = this.visit.room;
    const shown = lines.slice(-this.size);
    if (shown.length === 0) return;
    this.paused = { from: shown[0].seq, seen: shown[shown.length - 1].seq };
  }

  #resume() {
    this.paused = null;
  }

  toEnd() {
    this.#resume();
  }

  #goToEnd() {
    this.#resume();
    this.tail.box.focus();
  }
}

/** @param {number} place of the stack in the catalog @returns {string} the class of its colour */
export function badge(place) {
  return place === -1 ? "" : `badge-${place % BADGES}`;
}

customElements.define("ew-chat-log", ChatLog);
