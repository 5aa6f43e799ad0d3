// The one place where messages are written. It hands what to send to the app, which sends it to each connected pane.
import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { t } from "../i18n/i18n.js";
import { Component } from "../shared/component.js";
import { formatSize } from "../shared/format.js";
import { keep, kept } from "../shared/kept.js";
import { Media } from "../shared/media.js";
import { isPlain } from "../shared/plain.js";
import { FILE_CAP, checkJson, parseHex } from "../verify/payload.js";
import { MOST_PAUSE, MOST_TIMES, checkRepeat, fill, hasPlaceholders, repeated } from "./repeat.js";
import { keepSaved, loadSaved, withSaved } from "./saved.js";
import { PRESETS } from "./presets.js";

/** @typedef {import("../verify/payload.js").Data} Data */
/** @typedef {import("../i18n/i18n.js").Message} Message */
/** @typedef {"text" | "json" | "hex" | "file"} Kind */

/** @type {Kind[]} */
const KINDS = ["text", "json", "hex", "file"];
const MOST_RECALLED = 50;
const SAVED = "saved:"; // begins the value of an option that is a saved message
const LABEL = 40; // characters of a saved message in the list
const LONGEST_RECALLED = 16 * 1024;

export class Composer extends Component {
  static properties = {
    connected: { type: Boolean },
    idle: { type: Boolean },
    both: { type: Boolean },
    oneWay: { type: Boolean },
    note: { attribute: false },
    sending: { type: Number },
    kind: { state: true },
    text: { state: true },
    preset: { state: true },
    times: { state: true },
    every: { state: true },
    saved: { state: true },
    error: { state: true },
  };

  constructor() {
    super();
    this.touch = new Media(this, "(pointer: coarse)");
    this.connected = false;
    this.idle = false; // whether there is a pane to connect,
    this.both = false; // and whether there are two
    this.oneWay = false; // whether what one is connected with only sends
    /** @type {Message | null} what the app has to say about the last sending */
    this.note = null;
    /** @type {number} how many are still to be sent */
    this.sending = 0;
    /** @type {Kind} */
    this.kind = KINDS.find((kind) => kind === kept("kind")) ?? "text";
    this.text = "";
    this.preset = "";
    this.times = kept("times") || "1"; // how often the message is sent, as typed,
    this.every = kept("every") || "0"; // and milliseconds between one and the next
    this.saved = loadSaved();
    /** @type {File | null} */
    this.file = null;
    /** @type {Message | null} */
    this.error = null;
    /** @type {{ kind: Kind, text: string }[]} */
    this.history = [];
    this.recalled = 0;
  }

  render() {
    return html`
      <section class="composer card" aria-labelledby="composer-title">
        <h2 id="composer-title" class="visually-hidden">${t("message")}</h2>
        <div class="composer-head">
          <fieldset class="kinds">
            <legend class="visually-hidden">${t("message.kind")}</legend>
            ${KINDS.map(
              (kind) => html`
              <label><input type="radio" name="kind" .checked=${live(this.kind === kind)}
                @change=${() => this.#choose(kind)}>${t(`message.${kind}`)}</label>`,
            )}
          </fieldset>
          <span class="inline repeat extra">
            <label class="inline">${t("message.times")}
              <input type="number" min="1" max=${MOST_TIMES} step="1" .value=${live(this.times)} @input=${this.#timesTyped}
                aria-describedby="composer-error"></label>
            <label class="inline">${t("message.every")}
              <input type="number" min="0" max=${MOST_PAUSE} step="1" .value=${live(this.every)} @input=${this.#everyTyped}
                aria-describedby="composer-error"> ms</label>
          </span>
          <label class="inline">${t("message.preset")}
            <select @change=${this.#fill} .value=${live(this.preset)}>
              <option value="">${t("message.choose")}</option>
              ${PRESETS.map(({ id }) => html`<option value=${id}>${t(`preset.${id}`)}</option>`)}
              ${
                this.saved.length === 0
                  ? nothing
                  : html`<optgroup label=${t("message.saved")}>
                ${this.saved.map(({ text }, index) => html`<option value=${`${SAVED}${index}`}>${text.slice(0, LABEL)}</option>`)}
              </optgroup>`
              }
            </select>
          </label>
          <button type="button" class="outline keep" aria-haspopup="dialog" @click=${this.#share}>${t("share.open")}</button>
          ${
            this.#chosen() === null
              ? html`<button type="button" class="outline keep extra" aria-disabled=${this.text === ""} @click=${this.#save}>${t("message.save")}</button>`
              : html`<button type="button" class="outline keep extra" @click=${this.#forget}>${t("message.forget")}</button>`
          }
        </div>
        ${this.kind === "file" ? this.#fileField() : this.#textField()}
        <div class="composer-foot">
          <div class="says">
            <p role="alert" id="composer-error" class="error">${this.error ? t(this.error.key, this.error.params) : nothing}</p>
            <p id="composer-hint" class="hint">${this.#hint()}</p>
          </div>
          ${this.idle ? html`<button type="button" class="connect" @click=${() => this.tell("ew-connect")}>${t(this.both ? "message.connectBoth" : "connect")}</button>` : nothing}
          <button type="button" class="send" aria-disabled=${!this.connected && this.sending === 0}
            aria-describedby="composer-hint" @click=${this.#pressed}>${t(this.sending > 0 ? "message.stop" : "message.send")}</button>
        </div>
      </section>`;
  }

  #textField() {
    return html`<textarea aria-label=${t("message")} rows="3" spellcheck="false" autocomplete="off" dir="auto"
      class=${this.kind === "text" ? "" : "code"} aria-invalid=${this.error ? "true" : nothing}
      aria-describedby="composer-error composer-hint" .value=${live(this.text)}
      @input=${this.#typed} @keydown=${this.#key}></textarea>`;
  }

  #fileField() {
    return html`<label class="file">${t("message.file")}
      <input type="file" aria-describedby="composer-error" aria-invalid=${this.error ? "true" : nothing}
        @change=${this.#picked} @keydown=${this.#key}></label>`;
  }

  #hint() {
    if (this.sending > 0) return t("message.sending", { count: this.sending });
    const parts = [];
    const held = this.#held();
    if (held) parts.push(t("message.held", { what: t(`preset.${held.id}`) }));
    if (this.note) parts.push(t(this.note.key, this.note.params));
    else if (!this.connected) parts.push(t(this.#notConnected));
    else if (this.#filled) parts.push(t("message.filled", { n: "{n}", now: "{now}" }));
    else if (!held) parts.push(t(this.touch.matches ? "message.sendTouch" : "message.sendKeys"));
    return parts.join(" ");
  }

  /** Why nothing can be sent. */
  get #notConnected() {
    return this.oneWay ? "message.oneWay" : "message.notConnected";
  }

  #share() {
    this.tell("ew-share", { kind: this.kind, text: this.kind === "file" ? "" : this.text });
  }

  /** Writes a message that a link has, without sending it. @param {string} kind @param {string} text */
  compose(kind, text) {
    this.kind = KINDS.find((one) => one === kind && one !== "file") ?? "text";
    this.text = text;
  }

  /** Whether the message has something to fill in. */
  get #filled() {
    return (this.kind === "text" || this.kind === "json") && hasPlaceholders(this.text);
  }

  /** The long preset that is ready to be sent, if one is. */
  #held() {
    const preset = PRESETS.find(({ id }) => id === this.preset);
    return preset !== undefined && "messages" in preset && this.kind === "text" ? preset : null;
  }

  /** @param {Kind} kind */
  #choose(kind) {
    this.kind = kind;
    keep("kind", kind);
    this.file = null;
    this.preset = "";
    this.error = null;
  }

  /** @param {Event & { target: HTMLSelectElement }} event */
  #fill({ target }) {
    this.preset = target.value;
    this.error = null;
    const preset = this.#chosen() ?? PRESETS.find(({ id }) => id === this.preset);
    if (preset !== undefined) {
      this.kind = "text" in preset ? preset.kind : "text";
      this.text = "text" in preset ? preset.text : "";
    }
  }

  /** The saved message that is chosen. */
  #chosen() {
    return this.preset.startsWith(SAVED) ? (this.saved[Number(this.preset.slice(SAVED.length))] ?? null) : null;
  }

  #save() {
    if (this.text === "" || this.kind === "file") return;
    const saved = withSaved(this.saved, { kind: this.kind, text: this.text });
    if (keepSaved(saved)) this.saved = saved;
    else this.error = { key: "error.notSaved" };
  }

  #forget() {
    const forgotten = this.#chosen();
    this.saved = this.saved.filter((saved) => saved !== forgotten);
    this.preset = "";
    keepSaved(this.saved);
  }

  /** @param {InputEvent & { target: HTMLTextAreaElement }} event */
  #typed({ target }) {
    this.text = target.value;
    this.preset = "";
    this.error = null;
    this.recalled = this.history.length;
  }

  /** @param {Event & { target: HTMLInputElement }} event */
  #picked({ target }) {
    this.file = target.files?.[0] ?? null;
    this.error = this.file === null ? null : tooLarge(this.file);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // Enter and the arrows belong to the input method
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.#send();
    } else if (this.kind !== "file" && isPlain(event)) {
      if (event.key === "ArrowUp" && this.#recall(-1)) event.preventDefault();
      if (event.key === "ArrowDown" && this.#recall(+1)) event.preventDefault();
    }
  }

  /** Only from an empty box, or on from what was recalled and not changed. @param {number} step */
  #recall(step) {
    const present = this.history[this.recalled];
    if (this.text !== "" && this.text !== present?.text) return false;
    const next = this.recalled + step;
    if (next < 0 || next > this.history.length || this.history.length === 0) return false;
    this.recalled = next;
    const { kind, text } = this.history[next] ?? { kind: this.kind, text: "" };
    Object.assign(this, { kind, text, preset: "", error: null });
    return true;
  }

  #pressed() {
    if (this.sending > 0) this.tell("ew-stop");
    else this.#send();
  }

  /** @param {InputEvent & { target: HTMLInputElement }} event */
  #timesTyped({ target }) {
    this.times = target.value;
    keep("times", this.times);
    this.error = null;
  }

  /** @param {InputEvent & { target: HTMLInputElement }} event */
  #everyTyped({ target }) {
    this.every = target.value;
    keep("every", this.every);
    this.error = null;
  }

  async #send() {
    this.note = null;
    this.error = null;
    if (this.sending > 0) return;
    if (!this.connected) {
      this.error = { key: this.#notConnected };
      return;
    }
    const ready = await this.#ready();
    if ("error" in ready) {
      this.error = ready.error;
      return;
    }
    const repeat = checkRepeat(this.times, this.every, ready.count);
    if ("error" in repeat) {
      this.error = repeat.error;
      return;
    }
    if (this.kind !== "file" && this.#held() === null) {
      this.#remember();
      this.text = "";
      this.preset = "";
    }
    this.tell("ew-send", {
      messages: repeated(ready.messages, repeat.times),
      count: ready.count * repeat.times,
      pause: repeat.every,
    });
  }

  /** @returns {Promise<{ messages: () => Iterable<Data>, count: number } | { error: Message }>} */
  async #ready() {
    const held = this.#held();
    if (held !== null) return { messages: held.messages, count: held.count };
    if (this.#filled) return this.#filledMessages();
    const checked =
      this.kind === "file"
        ? await readFile(this.file)
        : this.kind === "json"
          ? checkJson(this.text)
          : this.kind === "hex"
            ? parseHex(this.text)
            : { data: this.text };
    return "error" in checked ? checked : { messages: () => [checked.data], count: 1 };
  }

  /** @returns {{ messages: () => Iterable<Data>, count: number } | { error: Message }} */
  #filledMessages() {
    const { text, kind } = this;
    const checked = kind === "json" ? checkJson(fill(text, 1, new Date())) : { data: text };
    let n = 0;
    return "error" in checked ? checked : { messages: () => [fill(text, ++n, new Date())], count: 1 };
  }

  #remember() {
    const last = this.history.at(-1);
    const known = last?.text === this.text && last.kind === this.kind;
    if (this.text !== "" && this.text.length <= LONGEST_RECALLED && !known) {
      this.history = [...this.history, { kind: this.kind, text: this.text }].slice(-MOST_RECALLED);
    }
    this.recalled = this.history.length;
  }
}

/** @param {File} file @returns {Message | null} */
function tooLarge({ name, size }) {
  if (size <= FILE_CAP) return null;
  return { key: "error.fileSize", params: { name, size: formatSize(size), cap: formatSize(FILE_CAP) } };
}

/** @param {File | null} file @returns {Promise<{ data: Uint8Array<ArrayBuffer> } | { error: Message }>} */
async function readFile(file) {
  if (file === null) return { error: { key: "error.noFile" } };
  const error = tooLarge(file);
  if (error !== null) return { error };
  try {
    return { data: new Uint8Array(await file.arrayBuffer()) };
  } catch (reason) {
    return {
      error: { key: "error.fileRead", params: { name: file.name, detail: /** @type {Error} */ (reason).message } },
    };
  }
}

customElements.define("ew-composer", Composer);
