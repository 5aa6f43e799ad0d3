// Where the user adds results of their own: a file input, beside which files may be dropped, and what was added.
import { html, nothing } from "lit";
import { t } from "../i18n/i18n.js";
import { Component } from "../shared/component.js";
import { Follows } from "../shared/follows.js";

/** @typedef {import("./results.js").Results} Results */

class AddOwn extends Component {
  static properties = { results: { attribute: false } };

  constructor() {
    super();
    /** @type {Results} */
    this.results = /** @type {any} */ (undefined); // always given
    new Follows(this, () => this.results, ["change"]);
  }

  render() {
    const { own, troubles } = this.results;
    return html`
      <div class="add-own">
        <label>${t("own.add")} <input type="file" multiple accept=".json,application/json" @change=${this.#chosen}></label>
        <span class="hint">${t("own.hint")}</span>
        ${own.length > 0 ? html`<ul aria-label=${t("own.added")}>${own.map(({ file, name }) => html`<li>${name} <button type="button" class="outline" aria-label=${t("own.remove", { name })} @click=${() => this.results.remove(file)}>×</button></li>`)}</ul>` : nothing}
      </div>
      ${troubles.map(({ key, params }) => html`<p class="notice" role="alert">${t(key, params)}</p>`)}`;
  }

  /** @param {Event & { target: HTMLInputElement }} event */
  async #chosen({ target }) {
    await this.results.add([...(target.files ?? [])]);
    target.value = ""; // the same file may be chosen again
  }
}

customElements.define("ew-add-own", AddOwn);
