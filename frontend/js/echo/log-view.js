// The log of one pane. It renders at most once per animation frame, and only the latest entries:
// older ones are a button away, so that ten thousand messages cost no more than a few hundred.
import { html, nothing } from "lit";
import { guard } from "lit/directives/guard.js";
import { ifDefined } from "lit/directives/if-defined.js";
import { repeat } from "lit/directives/repeat.js";
import { eventText, exportLine, matches } from "./log.js";
import { bytesOf, hexDump, prettyJson, textOf } from "./payload.js";
import { sparkline } from "./sparkline.js";
import { language, t } from "../i18n/i18n.js";
import { Component } from "../shared/component.js";
import { Follows } from "../shared/follows.js";
import { formatDuration, formatSize, formatTime } from "../shared/format.js";
import { Tail } from "../shared/tail.js";

/** @typedef {import("./log.js").Entry} Entry */
/** @typedef {"text" | "json" | "hex"} View */

const WINDOW = 500; // entries in the page while following
const FLOOD = 250; // more new entries than this in one frame, and only the latest of them are drawn
const STEP = 100; // so many, and as many more with each calmer frame
const BREATH = 20; // milliseconds of filtering or exporting before the page may draw
const CLIP = 600; // characters of a message before "Show more"
const CLIP_MORE = 64 * 1024;
const PARSED = 256 * 1024; // characters of JSON that are worth parsing for a look
const HEX_CLIP = 256; // bytes of a hex dump before "Show more"
const HEX_CLIP_MORE = 4096;
const WIDE = 800; // pixels of log that sixteen bytes a line fit into

const ARROWS = { sent: "↑", received: "↓", event: "•" };

export class LogView extends Component {
  static properties = {
    conversation: { attribute: false },
    filter: { state: true },
    view: { state: true },
    paused: { state: true },
    expanded: { state: true },
  };

  constructor() {
    super();
    /** @type {import("./conversation.js").Conversation} */
    this.conversation = /** @type {any} */ (undefined); // always given
    /** @type {import("./log.js").Filter} */
    this.filter = { show: "all", search: "" };
    /** @type {View} */
    this.view = "text";
    /** @type {Entry[]} what the filter lets through */
    this.visible = [];
    this.seen = 0; // the last seq that the filter has looked at
    /** @type {{ from: number, to: number } | null} the seqs that stay on the page while paused; null while following */
    this.paused = null;
    this.size = WINDOW; // entries on the page while following: few in a flood, then growing to the whole window
    this.drawn = 0; // the last seq on the page
    /** @type {ReadonlySet<number>} the seqs shown at length */
    this.expanded = new Set();
    this.tail = new Tail(this, ".log", {
      following: () => this.paused === null,
      pause: () => this.#pause(),
      resume: () => this.#resume(),
    });
    new Follows(this, () => this.conversation, ["log"]);
  }

  /** However many messages came: one rendering a frame. */
  async scheduleUpdate() {
    await new Promise(requestAnimationFrame);
    return super.scheduleUpdate();
  }

  willUpdate() {
    const { entries } = this.conversation.log;
    const first = entries[0]?.seq ?? Infinity;
    const kept = this.visible.findIndex(({ seq }) => seq >= first);
    this.visible.splice(0, kept === -1 ? this.visible.length : kept);
    const until = performance.now() + BREATH;
    for (let i = Math.max(0, this.seen + 1 - first); i < entries.length && performance.now() < until; i++) {
      if (matches(entries[i], this.filter)) this.visible.push(entries[i]);
      this.seen = entries[i].seq;
    }
    const fresh = this.visible.length - 1 - this.visible.findLastIndex(({ seq }) => seq <= this.drawn);
    this.size = fresh > FLOOD ? STEP : Math.min(WINDOW, this.size + STEP);
    this.drawn = this.visible.at(-1)?.seq ?? this.drawn;
  }

  render() {
    const { log, rtts } = this.conversation;
    const shown = this.#shown();
    const perLine = this.clientWidth < WIDE ? 8 : 16;
    const hidden = this.visible.indexOf(shown[0]);
    const fresh = this.paused === null ? 0 : this.visible.length - 1 - this.visible.indexOf(shown[shown.length - 1]);
    return html`
      <div class="log-tools">
        <label class="inline">${t("log.show")}
          <select @change=${this.#filterBy}>
            ${["all", "sent", "received", "event"].map((show) => html`<option value=${show}>${t(`show.${show}`)}</option>`)}
          </select>
        </label>
        <input type="search" aria-label=${t("log.search")} placeholder=${t("log.search")} @input=${this.#searchFor}>
        <label class="inline">${t("log.viewAs")}
          <select @change=${this.#viewAs}>
            ${["text", "json", "hex"].map((view) => html`<option value=${view}>${t(`view.${view}`)}</option>`)}
          </select>
        </label>
        <span class="log-actions">
          <button type="button" class="outline secondary" @click=${this.#clear}>${t("log.clear")}</button>
          <button type="button" class="outline secondary" @click=${this.#export}>${t("log.export")}</button>
        </span>
      </div>
      <div class="log-frame">
        <div class="log" role="log" aria-label=${t("log")} tabindex="0" @scroll=${this.tail.scrolled}>
          ${log.dropped > 0 ? html`<p class="hint">${t("log.dropped", { count: log.dropped })}</p>` : nothing}
          ${
            hidden > 0
              ? html`<button type="button" class="outline earlier" @click=${this.#showEarlier}>
            ${t("log.earlier", { count: Math.min(hidden, WINDOW) })}</button>`
              : nothing
          }
          ${shown.length === 0 && this.#filtered ? html`<p class="nothing">${t(log.entries.length === 0 ? "log.empty" : "log.noMatch")}</p>` : nothing}
          <ol>${repeat(
            shown,
            ({ seq }) => seq,
            (entry) => {
              const long = this.expanded.has(entry.seq);
              return guard([entry, entry.rtt, this.view, long, perLine, language()], () =>
                this.#row(entry, long, perLine),
              );
            },
          )}</ol>
        </div>
        ${fresh > 0 ? html`<button type="button" class="fresh" @click=${this.#toEnd}>${t("log.new", { count: fresh })}</button>` : nothing}
      </div>
      <div class="log-foot">
        <span role="status" aria-live="off" aria-label=${t("totals")}>${t("totals.text", { sent: log.sent, received: log.received })}</span>
        <span class="rtt">${sparkline(rtts)}</span>
      </div>`;
  }

  updated() {
    const growing = this.paused === null && this.size < Math.min(WINDOW, this.visible.length);
    if (growing || !this.#filtered) this.requestUpdate(); // there is more of the same work than one frame has time for
  }

  /** Whether the filter has looked at every entry. */
  get #filtered() {
    return this.seen >= (this.conversation.log.entries.at(-1)?.seq ?? 0);
  }

  /** The entries that are on the page. */
  #shown() {
    const { paused, visible } = this;
    if (paused === null) return visible.slice(-this.size);
    const shown = visible.filter(({ seq }) => seq >= paused.from && seq <= paused.to);
    return shown.length > 0 ? shown : visible.slice(-WINDOW);
  }

  #pause() {
    const held = this.visible.slice(-WINDOW); // also what was still to be drawn of it
    if (held.length === 0) return;
    this.paused = { from: held[0].seq, to: held[held.length - 1].seq };
  }

  #resume() {
    this.paused = null;
  }

  #toEnd() {
    this.#resume();
    this.tail.box.focus(); // the button goes away, the reader stays
  }

  async #showEarlier() {
    if (this.paused === null) this.#pause();
    if (this.paused === null) return;
    const { from, to } = this.paused;
    const index = this.visible.findIndex(({ seq }) => seq >= from);
    const { box } = this.tail;
    const fromEnd = box.scrollHeight - box.scrollTop;
    this.paused = { from: this.visible[Math.max(0, index - WINDOW)].seq, to };
    await this.updateComplete;
    box.scrollTop = box.scrollHeight - fromEnd; // what was being read stays where it was
    box.focus();
  }

  #refilter() {
    this.visible = [];
    this.seen = this.drawn = 0;
    this.#resume();
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #filterBy({ target }) {
    this.filter = { ...this.filter, show: /** @type {import("./log.js").Filter["show"]} */ (target.value) };
    this.#refilter();
  }

  /** @param {InputEvent & { target: HTMLInputElement }} event */
  #searchFor({ target }) {
    this.filter = { ...this.filter, search: target.value.trim() };
    this.#refilter();
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #viewAs({ target }) {
    this.view = /** @type {View} */ (target.value);
    this.drawn = 0; // every row is drawn anew
  }

  #clear() {
    this.expanded = new Set();
    this.conversation.clear();
    this.#resume();
  }

  async #export() {
    const parts = [];
    let until = performance.now() + BREATH;
    for (const entry of [...this.conversation.log.entries]) {
      parts.push(`${exportLine(entry)}\n`);
      if (performance.now() > until) {
        await new Promise((resolve) => setTimeout(resolve));
        until = performance.now() + BREATH;
      }
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(parts, { type: "application/jsonl" }));
    link.download = `echo-wall-${new Date().toISOString().replace(/[:.]/g, "-")}.jsonl`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  /** @param {Entry} entry */
  #expand({ seq }) {
    this.expanded = new Set([...this.expanded, seq]);
  }

  /** @param {Entry} entry @param {boolean} long @param {number} perLine bytes of a hex dump */
  #row(entry, long, perLine) {
    const { direction, kind, size, rtt, time } = entry;
    return html`
      <li class=${kind} data-direction=${direction} data-kind=${kind} data-size=${size} data-rtt=${ifDefined(rtt === null ? undefined : rtt.toFixed(3))}>
        <span class="arrow" aria-hidden="true">${ARROWS[direction]}</span>
        <span class="visually-hidden">${t(`direction.${direction}`)}</span>
        ${direction === "event" ? html`<span class="event-text">${eventText(entry)}</span>` : this.#payload(entry, long, perLine)}
        <span class="meta">
          ${direction === "event" ? nothing : html`<span>${t(`kind.${kind}`)}</span> <span>${formatSize(size)}</span>`}
          ${rtt !== null && direction === "received" ? html`<span class="took">${formatDuration(rtt)}</span>` : nothing}
          <time datetime=${new Date(time).toISOString()}>${formatTime(time)}</time>
        </span>
      </li>`;
  }

  /** @param {Entry} entry @param {boolean} long @param {number} perLine */
  #payload(entry, long, perLine) {
    if (entry.size === 0) return html`<span class="payload none">${t("payload.empty")}</span>`;
    const { text, code, clipped, tag } = preview(entry, this.view, long, perLine);
    return html`<div class="said"><span class="payload ${code ? "code" : ""}">${text}</span>${
      tag ? html` <small class="tag">${t(tag)}</small>` : nothing
    }${
      clipped && !long
        ? html` <button type="button" class="more" @click=${() => this.#expand(entry)}>${t("payload.more", {
            size: formatSize(entry.size),
          })}</button>`
        : nothing
    }${clipped && long ? html` <small class="tag">${t("payload.clipped")}</small>` : nothing}</div>`;
  }
}

/**
 * The beginning of a message as the reader wants to see it.
 * @param {Pick<Entry, "data">} entry @param {View} view @param {boolean} long @param {number} perLine
 * @returns {{ text: string, code: boolean, clipped: boolean, tag?: string }}
 */
function preview({ data }, view, long, perLine) {
  if (view === "json") {
    const source = data.length > PARSED ? null : typeof data === "string" ? data : textOf(data);
    const pretty = source === null ? null : prettyJson(source);
    if (pretty === null) return { ...preview({ data }, "text", long, perLine), tag: "payload.notJson" };
    return { ...clip(pretty, long), code: true };
  }
  if (view === "text" && typeof data === "string") return { ...clip(data, long), code: false };
  const most = long ? HEX_CLIP_MORE : HEX_CLIP;
  const start = typeof data === "string" ? bytesOf(data.slice(0, most + 1)) : data.subarray(0, most + 1);
  return { text: hexDump(start.subarray(0, most), perLine), code: true, clipped: start.length > most };
}

/** @param {string} text @param {boolean} long */
function clip(text, long) {
  const most = long ? CLIP_MORE : CLIP;
  return { text: text.slice(0, most), clipped: text.length > most };
}

customElements.define("ew-log", LogView);
