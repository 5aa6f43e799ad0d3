// The box in which one says something in the room.
import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { MOST_TEXT, checkText, codePoints } from "./room.js";
import { t } from "../i18n/i18n.js";
import { Component } from "../shared/component.js";
import { Follows } from "../shared/follows.js";

/** @typedef {import("../i18n/i18n.js").Message} Message */

const LONG = 1800; // code points from which on they are counted
const MOST_ROWS = 6;

class ChatBox extends Component {
  static properties = {
    visit: { attribute: false },
    nick: { type: String },
    nickError: { attribute: false },
    text: { state: true },
    error: { state: true },
  };

  constructor() {
    super();
    /** @type {import("./visit.js").Visit} */
    this.visit = /** @type {any} */ (undefined); // always given
    this.nick = "";
    /** @type {Message | null} */
    this.nickError = null;
    this.text = "";
    /** @type {Message | null} why it was not sent */
    this.error = null;
    this.composed = false; // whether an input method has only just finished
    this.touch = matchMedia("(pointer: coarse)");
    new Follows(this, () => this.visit, ["room"]);
    new Follows(this, () => this.visit, ["state"], this.#forgetError);
  }

  /** Most often it was that one was not in the room. */
  #forgetError = () => {
    this.error = null;
  };

  render() {
    const count = codePoints(this.text);
    const error = this.error ?? this.visit.error;
    return html`
      <div class="chat-box">
        <p role="alert" id="chat-error" class="error">${error ? t(error.key, error.params) : nothing}</p>
        <textarea aria-label=${t("room.box")} placeholder=${t("room.box")} rows=${Math.min(MOST_ROWS, this.text.split("\n").length)}
          dir="auto" autocomplete="off" enterkeyhint=${this.touch.matches ? "enter" : "send"}
          aria-invalid=${this.error ? "true" : nothing} aria-describedby="chat-error chat-hint" .value=${live(this.text)}
          @input=${this.#typed} @keydown=${this.#key} @compositionend=${this.#composedNow}></textarea>
        <button type="button" class="send" aria-disabled=${!this.visit.open} aria-describedby="chat-hint" @click=${this.#send}>${t("message.send")}</button>
        <p id="chat-hint" class="hint">${this.#hint()}</p>
        ${count > LONG ? html`<span class="counter ${count > MOST_TEXT ? "error" : ""}">${t("room.counter", { count: count.toLocaleString("en"), most: MOST_TEXT.toLocaleString("en") })}</span>` : nothing}
      </div>`;
  }

  /** @returns {Message | null} why nothing can be said now */
  get #closed() {
    const { open, state, room } = this.visit;
    if (open) return null;
    return {
      key:
        state === "connected" && room.live === false
          ? "room.noRedis"
          : state === "disconnected"
            ? "room.out"
            : "room.wait",
    };
  }

  #hint() {
    const closed = this.#closed;
    if (closed !== null) return closed.key === this.error?.key ? nothing : t(closed.key, closed.params); // not twice
    return t(this.touch.matches ? "room.touchKeys" : "room.keys");
  }

  /** @param {InputEvent & { target: HTMLTextAreaElement }} event */
  #typed({ target }) {
    this.text = target.value;
    this.error = null;
    this.visit.forgetError();
  }

  /** Safari ends the composition before it tells of the Enter that ended it. */
  #composedNow() {
    this.composed = true;
    setTimeout(() => (this.composed = false));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing || event.keyCode === 229 || this.composed) return; // the Enter belongs to the input method
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    if (this.touch.matches && !event.ctrlKey && !event.metaKey) return; // a new line: there, the button sends
    event.preventDefault();
    if (!event.repeat) this.#send();
  }

  #send() {
    this.error = this.#closed ?? this.nickError ?? checkText(this.text);
    if (this.error === null) {
      this.visit.say(this.nick, this.text);
      this.text = "";
      this.tell("ew-chat-said");
    }
    this.querySelector("textarea")?.focus(); // on a phone the keyboard stays
  }
}

customElements.define("ew-chat-box", ChatBox);
