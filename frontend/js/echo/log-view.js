// The log of one pane. It renders at most once per animation frame, and only the latest entries:
// older ones are a button away, so that ten thousand messages cost no more than a few hundred.
import { html, nothing } from "lit";
import { guard } from "lit/directives/guard.js";
import { ifDefined } from "lit/directives/if-defined.js";
import { repeat } from "lit/directives/repeat.js";
import { eventText, exportLine } from "./log.js";
import { explanation, markText } from "../verify/mark-view.js";
import { ORDERS, ordered, slowest } from "./order.js";
import { pieces } from "./pattern.js";
import { bytesOf, hexDump, prettyJson, textOf } from "../verify/payload.js";
import { Sieve } from "./sieve.js";
import { longest, sparkline } from "./sparkline.js";
import { language, t } from "../i18n/i18n.js";
import { again } from "../shared/again.js";
import { Component } from "../shared/component.js";
import { Follows } from "../shared/follows.js";
import { formatDuration, formatSize, formatTime } from "../shared/format.js";
import { keep, kept } from "../shared/kept.js";
import { Tail } from "../shared/tail.js";
import { maskPassword } from "../shared/target.js";

/** @typedef {import("./log.js").Entry} Entry */
/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {"text" | "json" | "hex"} View */

/** @type {View[]} */
const VIEWS = ["text", "json", "hex"];
const WINDOW = 500; // entries in the page while following
const STEP = 50; // rows that are new in one frame: of more new entries only the latest are drawn, and the rest when it is calmer
const BREATH = 20; // milliseconds of exporting before the page may draw
const CLIP = 600; // characters of a message before "Show more"
const CLIP_MORE = 64 * 1024;
const PARSED = 256 * 1024; // characters of JSON that are worth parsing for a look
const HEX_CLIP = 256; // bytes of a hex dump before "Show more"
const HEX_CLIP_MORE = 4096;
const WIDE = 800; // pixels of log that sixteen bytes a line fit into

const OWN = ["cut", "altered", "unasked"]; // findings that are put in other words where no echo was promised
const ARROWS = { sent: "↑", received: "↓", event: "•" };

export class LogView extends Component {
  static properties = {
    number: { type: Number },
    conversation: { attribute: false },
    beside: { attribute: false },
    compared: { type: Boolean },
    order: { state: true },
    most: { state: true },
    tools: { state: true },
    trouble: { state: true },
    view: { state: true },
    paused: { state: true },
    expanded: { state: true },
    opened: { state: true },
  };

  constructor() {
    super();
    this.number = 0; // of the pane
    /** @type {Conversation} */
    this.conversation = /** @type {any} */ (undefined); // always given
    /** @type {Conversation} the other one, which may be shown beside this */
    this.beside = /** @type {any} */ (undefined); // always given
    this.compared = false; // whether it is
    this.sieve = new Sieve();
    /** @type {import("./order.js").Order} */
    this.order = "arrival";
    this.most = WINDOW; // entries on the page in another order than that
    this.tools = false; // whether what is seldom needed is shown
    /** @type {import("../i18n/i18n.js").Message | null} what is wrong with an import */
    this.trouble = null;
    /** @type {View} */
    this.view = VIEWS.find((view) => view === kept("view")) ?? "text";
    /** @type {{ from: number, to: number } | null} the seqs that stay on the page while paused; null while following */
    this.paused = null;
    this.size = WINDOW; // entries on the page while following: few in a flood, then growing to the whole window
    this.drawn = 0; // the last seq on the page
    /** @type {ReadonlySet<number>} the seqs shown at length */
    this.expanded = new Set();
    /** @type {Entry | null} the message in the drawer */
    this.opened = null;
    this.tail = new Tail(this, ".log", {
      following: () => this.paused === null && this.order === "arrival",
      pause: () => this.#pause(),
      resume: () => this.#resume(),
    });
    new Follows(this, () => this.conversation, ["log"]);
    new Follows(this, () => this.beside, ["log"]); // for the scale of the round-trip times
    new Follows(this, () => this.sieve, ["found"]);
  }

  /** However many messages came: one rendering a frame. */
  async scheduleUpdate() {
    await new Promise(requestAnimationFrame);
    return super.scheduleUpdate();
  }

  willUpdate() {
    this.sieve.look(this.conversation.log.entries);
    const fresh = this.visible.length - 1 - this.visible.findLastIndex(({ seq }) => seq <= this.drawn);
    this.size = fresh > STEP ? STEP : Math.min(WINDOW, this.size + STEP - fresh);
    this.drawn = this.visible.at(-1)?.seq ?? this.drawn;
  }

  render() {
    const { log, tally } = this.conversation;
    const other = this.compared ? this.beside.tally.rtts : [];
    const shown = this.#shown();
    const perLine = this.clientWidth < WIDE ? 8 : 16;
    const arrival = this.order === "arrival";
    const hidden = arrival ? this.visible.indexOf(shown[0]) : 0;
    const more = arrival ? 0 : Math.min(this.visible.length - shown.length, WINDOW);
    const { inPart, trouble, filter } = this.sieve;
    const fresh = this.paused === null ? 0 : this.visible.length - 1 - this.visible.indexOf(shown[shown.length - 1]);
    return html`
      <div class="log-tools">
        <label class="inline">${t("log.show")}
          <select @change=${this.#filterBy}>
            ${["all", "sent", "received", "event"].map((show) => html`<option value=${show}>${t(`show.${show}`)}</option>`)}
          </select>
        </label>
        <input type="search" aria-label=${t("log.search")} placeholder=${t("log.search")} @input=${this.#searchFor}
          aria-invalid=${trouble ? "true" : nothing} aria-describedby=${ifDefined(trouble ? `log${this.number}-trouble` : undefined)}>
        <label class="inline">${t("log.viewAs")}
          <select @change=${this.#viewAs}>
            ${VIEWS.map((view) => html`<option value=${view} ?selected=${view === this.view}>${t(`view.${view}`)}</option>`)}
          </select>
        </label>
        <span class="log-actions">
          <button type="button" class="outline secondary" @click=${this.#clear}>${t("log.clear")}</button>
          <button type="button" class="outline secondary" @click=${this.#export}>${t("log.export")}</button>
          <button type="button" class="outline secondary" aria-expanded=${this.tools} @click=${this.#toggleTools}>${t("log.tools")}</button>
        </span>
      </div>
      ${this.tools ? this.#tools() : nothing}
      <p role="alert" class="error" id="log${this.number}-trouble">${[trouble, this.trouble].map((message) => (message ? t(message.key, message.params) : nothing))}</p>
      <div class="log-frame">
        <div class="log" role="log" aria-label=${t("log")} aria-description=${t("log.keys")} tabindex="0" @keydown=${this.#key} @scroll=${this.tail.scrolled}>
          ${log.dropped > 0 ? html`<p class="hint">${t("log.dropped", { count: log.dropped })}</p>` : nothing}
          ${
            hidden > 0
              ? html`<button type="button" class="outline earlier" @click=${this.#showEarlier}>
            ${t("log.earlier", { count: Math.min(hidden, WINDOW) })}</button>`
              : nothing
          }
          ${inPart.length > 0 ? html`<p class="hint">${t("log.searchedInPart", { count: inPart.length })}</p>` : nothing}
          ${shown.length === 0 && this.#filtered ? html`<p class="nothing">${t(this.#nothing())}</p>` : nothing}
          <ol>${repeat(
            shown,
            ({ seq }) => seq,
            (entry) => {
              const long = this.expanded.has(entry.seq);
              return guard([entry, entry.rtt, entry.mark, this.view, long, perLine, filter, language()], () =>
                this.#row(entry, long, perLine),
              );
            },
          )}</ol>
          ${more > 0 ? html`<button type="button" class="outline earlier" @click=${this.#showMore}>${t("log.more", { count: more })}</button>` : nothing}
        </div>
        ${fresh > 0 ? html`<button type="button" class="fresh" @click=${this.#toEnd}>${t("log.new", { count: fresh })}</button>` : nothing}
      </div>
      <div class="log-foot">
        <span role="status" aria-live="off" aria-label=${t("totals")}>${t("totals.text", { sent: tally.sent, received: tally.received })}</span>
        <span role="status" aria-live="off" aria-label=${t("tally")} class="tally">${this.#tally()}</span>
        <ew-drawer .entry=${this.opened} @ew-drawer-close=${() => this.#open(null)}
          @ew-drawer-step=${(/** @type {CustomEvent<number>} */ { detail }) => this.#step(detail)}></ew-drawer>
        ${
          slowest(this.visible) === null
            ? nothing
            : html`<button type="button" class="outline slowest" @click=${() => this.#open(slowest(this.visible))}>${t("log.slowest")}</button>`
        }
        <span class="rtt">${sparkline(tally.rtts, Math.max(longest(tally.rtts), longest(other)))}</span>
      </div>`;
  }

  updated() {
    const growing = this.paused === null && this.size < Math.min(WINDOW, this.visible.length);
    if (growing || this.sieve.hasMore(this.conversation.log.entries)) this.requestUpdate(); // there is more of the same work than one frame has time for
  }

  /** What the filter lets through, as it came. */
  get visible() {
    return this.sieve.visible;
  }

  /** What is seldom needed. */
  #tools() {
    return html`
      <div class="log-tools">
        <label class="inline">${t("log.order")}
          <select @change=${this.#orderBy}>
            ${ORDERS.map((order) => html`<option value=${order} ?selected=${order === this.order}>${t(`order.${order}`)}</option>`)}
          </select>
        </label>
        <label class="inline"><input type="checkbox" .checked=${this.sieve.filter.regex} @change=${this.#searchByRegex}>${t("search.regex")}</label>
        <span class="log-actions">
          <button type="button" class="outline secondary" @click=${this.#exportHar}>${t("log.har")}</button>
          <button type="button" class="outline secondary" @click=${this.#chooseImport}>${t("log.import")}</button>
        </span>
        <input type="file" accept=".jsonl" hidden aria-label=${t("log.import")} @change=${this.#import}>
      </div>`;
  }

  /** Why no entry is shown. */
  #nothing() {
    if (this.conversation.log.entries.length === 0) return "log.empty";
    return this.sieve.inPart.length === 0 ? "log.noMatch" : "log.noMatchInPart";
  }

  /** What became of the echoes of this connection, in words. */
  #tally() {
    const { tally, target } = this.conversation;
    const { same = 0, type = 0, cut = 0, altered = 0, none = 0, ended = 0, unasked = 0 } = tally.marks;
    const own = target?.service === null;
    return Object.entries({ same, type, cut, altered, none: none + ended, unasked })
      .filter(([, count]) => count > 0)
      .map(([how, count]) => t(own && OWN.includes(how) ? `tally.own.${how}` : `tally.${how}`, { count }))
      .join(" · ");
  }

  /** Whether the filter has looked at every entry. */
  get #filtered() {
    return this.sieve.seen >= (this.conversation.log.entries.at(-1)?.seq ?? 0);
  }

  /** The entries that are on the page. */
  #shown() {
    const { paused, visible, order } = this;
    if (order !== "arrival") return ordered(visible, order).slice(0, this.size < WINDOW ? this.size : this.most);
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

  /** @param {Partial<import("./log.js").Filter>} part */
  #refilter(part) {
    this.sieve.restart({ ...this.sieve.filter, ...part });
    this.drawn = 0;
    this.#resume();
    this.requestUpdate(); // the sieve is not a property
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #filterBy({ target }) {
    this.#refilter({ show: /** @type {import("./log.js").Filter["show"]} */ (target.value) });
  }

  /** @param {InputEvent & { target: HTMLInputElement }} event */
  #searchFor({ target }) {
    this.#refilter({ search: target.value.trim() });
  }

  /** @param {Event & { target: HTMLInputElement }} event */
  #searchByRegex({ target }) {
    this.#refilter({ regex: target.checked });
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #orderBy({ target }) {
    this.order = /** @type {import("./order.js").Order} */ (target.value);
    this.most = WINDOW;
    this.drawn = 0; // every row is drawn anew
    this.#resume();
    this.tail.box.scrollTop = 0; // or the end, if that is where the latest are
  }

  #showMore() {
    this.most += WINDOW;
    this.tail.box.focus(); // the button may go away, the reader stays
  }

  #toggleTools() {
    this.tools = !this.tools;
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #viewAs({ target }) {
    this.view = /** @type {View} */ (target.value);
    keep("view", this.view);
    this.drawn = 0; // every row is drawn anew
  }

  #clear() {
    this.expanded = new Set();
    this.conversation.clear();
    this.#resume();
  }

  /** What the filter lets through, in the order of the page. */
  async #export() {
    const { sieve } = this;
    await sieve.finish(() => this.conversation.log.entries);
    const parts = [];
    let until = performance.now() + BREATH;
    for (const entry of [...ordered(sieve.visible, this.order)]) {
      parts.push(`${exportLine(entry)}\n`);
      if (performance.now() > until) {
        await new Promise((resolve) => setTimeout(resolve));
        until = performance.now() + BREATH;
      }
    }
    download(parts, "application/jsonl", "jsonl");
  }

  /** All connections of the log, with all their messages. */
  async #exportHar() {
    const url = maskPassword(this.conversation.target?.url ?? "");
    await this.#attempt(async () => {
      const { har } = await again(() => import("./har.js"));
      download([JSON.stringify(har(this.conversation.log.entries, url))], "application/json", "har");
    });
  }

  #chooseImport() {
    /** @type {HTMLInputElement} */ (this.querySelector("[type=file]")).click();
  }

  /** @param {Event & { target: HTMLInputElement }} event */
  async #import({ target }) {
    const file = target.files?.[0];
    if (file === undefined) return;
    await this.#attempt(async () => {
      const { readExport } = await again(() => import("./import.js"));
      const read = await readExport(file);
      target.value = ""; // the same file may be chosen again
      this.trouble = "error" in read ? read.error : null;
      if ("entries" in read) this.conversation.restore(file.name, read.entries);
    });
  }

  /** @param {() => Promise<void>} action which may need a file that the network loses */
  async #attempt(action) {
    this.trouble = null;
    try {
      await action();
    } catch (error) {
      this.trouble = { key: "views.failed", params: { detail: /** @type {Error} */ (error).message } };
    }
  }

  /** Each line has a button for it, but none that Tab stops at: there may be five hundred. @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || event.target !== this.tail.box) return;
    event.preventDefault();
    this.#open(this.visible.findLast(({ direction }) => direction !== "event") ?? null);
  }

  /** The drawer is loaded when it is first needed. @param {Entry | null} entry */
  async #open(entry) {
    try {
      if (entry !== null) await again(() => import("./drawer.js"));
      this.opened = entry;
    } catch (error) {
      this.conversation.log.event("error", [
        { key: "views.failed", params: { detail: /** @type {Error} */ (error).message } },
      ]);
      this.requestUpdate(); // the log is not a property
    }
  }

  /** Another message of those that are filtered. @param {number} step */
  #step(step) {
    const messages = this.visible.filter(({ direction }) => direction !== "event");
    const index = messages.findIndex(({ seq }) => seq === this.opened?.seq);
    this.#open(messages[index + step] ?? this.opened);
  }

  /** @param {Entry} entry */
  #expand({ seq }) {
    this.expanded = new Set([...this.expanded, seq]);
  }

  /** @param {Entry} entry @param {boolean} long @param {number} perLine bytes of a hex dump */
  #row(entry, long, perLine) {
    const { direction, kind, size, rtt, mark, time } = entry;
    return html`
      <li class=${kind} data-direction=${direction} data-kind=${kind} data-size=${size} data-mark=${mark?.how ?? nothing} data-rtt=${ifDefined(rtt === null ? undefined : rtt.toFixed(3))}>
        <span class="arrow" aria-hidden="true">${ARROWS[direction]}</span>
        <span class="visually-hidden">${t(`direction.${direction}`)}</span>
        ${direction === "event" ? html`<span class="event-text">${this.#highlighted(entry, eventText(entry), true)}</span>` : this.#payload(entry, long, perLine)}
        <span class="meta">
          ${direction === "event" ? nothing : html`<span>${t(`kind.${kind}`)}</span> <span>${formatSize(size)}</span>`}
          ${rtt !== null && direction === "received" ? html`<span class="took">${formatDuration(rtt)}</span>` : nothing}
          ${mark?.how === "same" ? markText(mark) : nothing}
          <time datetime=${new Date(time).toISOString()}>${formatTime(time)}</time>
          ${
            direction === "event"
              ? nothing
              : html`<button type="button" class="in-full" tabindex="-1" aria-label=${t("drawer.open")} @click=${() => this.#open(entry)}>⋯</button>`
          }
        </span>
        ${mark !== null && mark.how !== "same" ? html`<div class="finding">${markText(mark)}${explanation(mark)}</div>` : nothing}
      </li>`;
  }

  /** @param {Entry} entry @param {string} text @param {boolean} same whether it is the text that is searched, or its beginning */
  #highlighted(entry, text, same) {
    const ranges = this.sieve.rangesOf(entry, text, same);
    if (ranges.length === 0) return text;
    return pieces(text, ranges).map(({ text: piece, found }) => (found ? html`<mark>${piece}</mark>` : piece));
  }

  /** @param {Entry} entry @param {boolean} long @param {number} perLine */
  #payload(entry, long, perLine) {
    if (entry.size === 0) return html`<span class="payload none">${t("payload.empty")}</span>`;
    const { text, code, clipped, tag } = preview(entry, this.view, long, perLine);
    const same = this.view === "text" && typeof entry.data === "string";
    return html`<div class="said"><span class="payload ${code ? "code" : ""}">${this.#highlighted(entry, text, same)}</span>${
      tag ? html` <small class="tag">${t(tag.key, tag.params)}</small>` : nothing
    }${
      clipped && !long
        ? html` <button type="button" class="more" @click=${() => this.#expand(entry)}>${t("payload.more", {
            size: formatSize(entry.size),
          })}</button>`
        : nothing
    }${clipped && long ? html` <small class="tag">${t("payload.clipped")}</small>` : nothing}</div>`;
  }
}

/** Has the browser save a file. @param {string[]} parts @param {string} type @param {string} ending */
function download(parts, type, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = `echo-wall-${new Date().toISOString().replace(/[:.]/g, "-")}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * The beginning of a message as the reader wants to see it.
 * @param {Pick<Entry, "data">} entry @param {View} view @param {boolean} long @param {number} perLine
 * @returns {{ text: string, code: boolean, clipped: boolean, tag?: import("../i18n/i18n.js").Message }}
 */
function preview({ data }, view, long, perLine) {
  if (view === "json") {
    const asText = (/** @type {import("../i18n/i18n.js").Message} */ tag) => ({
      ...preview({ data }, "text", long, perLine),
      tag,
    });
    if (data.length > PARSED) return asText({ key: "payload.longJson", params: { most: formatSize(PARSED) } });
    const source = typeof data === "string" ? data : textOf(data);
    const pretty = source === null ? null : prettyJson(source);
    if (pretty === null) return asText({ key: "payload.notJson" });
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
