// The dialog to take away what one has set: a link to it, and commands that do the same.
import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { checkCommand, websocatCommand } from "./commands.js";
import { t } from "../i18n/i18n.js";
import { copy } from "../shared/clipboard.js";
import { Component } from "../shared/component.js";
import { setOpen } from "../shared/dialog.js";

/** @typedef {{ target: import("../shared/target.js").Target, protocols: string[] }} Sharing of one pane */
/** @typedef {{ link: string, whole: boolean, text: string, panes: Sharing[] }} Shared  whole is whether the link has the message */

class Share extends Component {
  static properties = { shared: { attribute: false }, header: { state: true }, copied: { state: true } };

  constructor() {
    super();
    /** @type {Shared | null} null while it is closed */
    this.shared = null;
    this.header = "";
    /** @type {{ what: string, well: boolean } | null} what was copied last */
    this.copied = null;
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("shared")) this.copied = null;
  }

  updated() {
    setOpen(this.#dialog, this.shared !== null);
  }

  render() {
    return html`
      <dialog class="message-drawer" aria-label=${t("share")} @close=${() => this.tell("ew-share-close")}>
        ${this.shared === null ? nothing : this.#content(this.shared)}
      </dialog>`;
  }

  /** @param {Shared} shared */
  #content({ link, whole, text, panes }) {
    const { header } = this;
    return html`
      <header>
        <h2>${t("share")}</h2>
        <button type="button" class="secondary" @click=${() => this.#dialog.close()}>${t("drawer.close")}</button>
      </header>
      <p class="hint">${t(whole ? "share.link.hint" : "share.link.long")}</p>
      ${this.#line(t("share.link"), link)}
      <p class="hint">${t("share.header.hint")}</p>
      <label>${t("share.header")}
        <input type="text" autocomplete="off" spellcheck="false" placeholder="Authorization: Bearer …" .value=${live(header)} @input=${this.#typed}></label>
      ${panes.map(({ target, protocols }) => {
        const asked = { target, protocols, header: header.trim() };
        const [check, websocat] = [checkCommand(asked), websocatCommand({ ...asked, message: text })];
        return html`
          <h3>${target.title}</h3>
          ${check === null ? nothing : this.#line("echowall check", check)}
          ${websocat === null ? nothing : this.#line("websocat", websocat)}
          ${websocat === null ? html`<p class="hint">${t("share.notWebSocket")}</p>` : nothing}`;
      })}
      <output>${this.copied === null ? nothing : t(this.copied.well ? "share.copied" : "drawer.copied.no", { what: this.copied.what })}</output>`;
  }

  /** @param {string} what @param {string} text */
  #line(what, text) {
    return html`<div class="share-line"><pre tabindex="0" aria-label=${what}>${text}</pre>
      <button type="button" class="outline" aria-label=${t("share.copy", { what })} @click=${() => this.#copy(what, text)}>${t("drawer.copy")}</button></div>`;
  }

  /** @param {InputEvent & { target: HTMLInputElement }} event */
  #typed({ target }) {
    this.header = target.value;
  }

  /** @param {string} what @param {string} text */
  async #copy(what, text) {
    this.copied = { what, well: await copy(text) };
  }
}

customElements.define("ew-share", Share);
