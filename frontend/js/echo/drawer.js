// One message of the log in full: what became of it, as JSON, in hex, and where it differs from what was sent.
import { html, nothing } from "lit";
import { difference } from "./difference.js";
import { parseJson } from "./json-tree.js";
import { explanation, markText } from "../verify/mark-view.js";
import { bytesOf, hexDump, textOf } from "../verify/payload.js";
import { t } from "../i18n/i18n.js";
import { copy } from "../shared/clipboard.js";
import { Component } from "../shared/component.js";
import { setOpen } from "../shared/dialog.js";
import { formatDuration, formatSize, formatTime } from "../shared/format.js";
import { isPlain } from "../shared/plain.js";

/** @typedef {import("./log.js").Entry} Entry */

const MOST_TEXT = 64 * 1024; // characters
const MOST_JSON = 256 * 1024; // characters
const MOST_BYTES = 4096;

class Drawer extends Component {
  static properties = { entry: { attribute: false }, copied: { state: true } };

  constructor() {
    super();
    /** @type {Entry | null} null while it is closed */
    this.entry = null;
    /** @type {"yes" | "no" | null} whether the last copying worked */
    this.copied = null;
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("entry")) this.copied = null;
  }

  updated() {
    setOpen(this.#dialog, this.entry !== null);
  }

  render() {
    return html`
      <dialog class="message-drawer" aria-label=${t("drawer")} @close=${() => this.tell("ew-drawer-close")} @keydown=${this.#key}>
        ${this.entry === null ? nothing : this.#message(this.entry)}
      </dialog>`;
  }

  /** @param {Entry} entry */
  #message({ direction, kind, size, rtt, time, mark, data }) {
    const source = data.length > MOST_JSON ? null : typeof data === "string" ? data : textOf(data);
    const json = source === null ? null : parseJson(source);
    return html`
      <header>
        <h2>${t(`direction.${direction}`)} · ${t(`kind.${kind}`)}</h2>
        <button type="button" class="outline" @click=${() => this.tell("ew-drawer-step", -1)}>${t("drawer.previous")}</button>
        <button type="button" class="outline" @click=${() => this.tell("ew-drawer-step", 1)}>${t("drawer.next")}</button>
        <button type="button" class="outline" @click=${this.#copy}>${t("drawer.copy")}</button>
        <button type="button" class="secondary" @click=${() => this.#dialog.close()}>${t("drawer.close")}</button>
      </header>
      <p class="hint">${formatTime(time)} · ${formatSize(size)}${rtt === null ? nothing : html` · ${formatDuration(rtt)}`}
        <output>${this.copied === null ? nothing : t(`drawer.copied.${this.copied}`)}</output></p>
      ${mark === null ? nothing : html`<div class="finding">${markText(mark)}${explanation(mark)}</div>`}
      ${mark !== null && mark.sent !== null ? this.#difference(mark.sent, data) : nothing}
      ${json === null ? nothing : html`<h3>JSON</h3><ew-json .value=${json.value}></ew-json>`}
      ${typeof data === "string" ? html`<h3>${t("view.text")}</h3>${box(t("view.text"), data.slice(0, MOST_TEXT), data.length > MOST_TEXT)}` : nothing}
      <h3>${t("view.hex")}</h3>
      ${box(t("view.hex"), hexDump(bytesOf(typeof data === "string" ? data.slice(0, MOST_BYTES) : data).subarray(0, MOST_BYTES), 8), size > MOST_BYTES)}`;
  }

  /** @param {import("../verify/payload.js").Data} sent @param {import("../verify/payload.js").Data} received */
  #difference(sent, received) {
    const found = difference(sent, received);
    if (found === null) return html`<h3>${t("drawer.difference")}</h3><p>${t("drawer.sameBytes")}</p>`;
    const { unit, at, before, after } = found;
    return html`
      <h3>${t("drawer.difference")}</h3>
      <p>${at === 0 ? t("drawer.fromStart") : t(`drawer.${unit}`, { at })}</p>
      <pre tabindex="0" aria-label=${t("drawer.difference")}>${before}${
        found.sent === "" ? nothing : html`<del>${found.sent}</del>`
      }${found.received === "" ? nothing : html`<ins>${found.received}</ins>`}${after}</pre>`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!isPlain(event)) return;
    if (event.key === "ArrowLeft") this.tell("ew-drawer-step", -1);
    if (event.key === "ArrowRight") this.tell("ew-drawer-step", 1);
  }

  async #copy() {
    const { data } = /** @type {Entry} */ (this.entry);
    const text =
      typeof data === "string" ? data : [...data].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    this.copied = (await copy(text)) ? "yes" : "no";
  }
}

/** @param {string} label @param {string} text @param {boolean} clipped */
function box(label, text, clipped) {
  return html`<pre tabindex="0" aria-label=${label}>${text}</pre>${
    clipped ? html`<p class="hint">${t("payload.clipped")}</p>` : nothing
  }`;
}

customElements.define("ew-drawer", Drawer);
