// JSON as a tree whose branches open. What is closed is not on the page.
import { html, nothing } from "lit";
import { t } from "../i18n/i18n.js";
import { Component } from "../shared/component.js";

const MOST_CHILDREN = 200; // of one branch on the page

/** A number as it is written, which may have more digits than JavaScript can hold. */
export class Numeral {
  /** @param {string} source */
  constructor(source) {
    this.source = source;
  }
}

/**
 * @param {string} text
 * @returns {{ value: unknown } | null} with each number as a Numeral where the browser tells its source; null where it is not JSON
 */
export function parseJson(text) {
  /** @param {string} _key @param {unknown} value @param {{ source?: string }} [context] as in ECMAScript 2026 */
  const keepNumbers = (_key, value, context) =>
    typeof value === "number" && context?.source !== undefined ? new Numeral(context.source) : value;
  try {
    return { value: JSON.parse(text, keepNumbers) };
  } catch {
    return null;
  }
}

class JsonTree extends Component {
  static properties = { value: { attribute: false }, name: { attribute: false }, open: { state: true } };

  constructor() {
    super();
    /** @type {unknown} */
    this.value = null;
    /** @type {string | null} null at the root */
    this.name = null;
    this.open = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.open ||= this.name === null;
  }

  render() {
    const { value } = this;
    const name = this.name === null ? nothing : html`<span class="key">${this.name}:</span> `;
    if (value === null || typeof value !== "object" || value instanceof Numeral) {
      const written = value instanceof Numeral ? value.source : JSON.stringify(value);
      return html`<div class="leaf">${name}${written}</div>`;
    }
    const children = Object.entries(value);
    const [left, right] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
    return html`
      <details ?open=${this.open} @toggle=${this.#toggled}>
        <summary>${name}${left}${children.length}${right}</summary>
        ${this.open ? this.#children(children) : nothing}
      </details>`;
  }

  /** @param {[string, unknown][]} children */
  #children(children) {
    return html`
      ${children.slice(0, MOST_CHILDREN).map(([name, value]) => html`<ew-json .name=${name} .value=${value}></ew-json>`)}
      ${children.length > MOST_CHILDREN ? html`<p class="hint">${t("json.more", { count: children.length - MOST_CHILDREN })}</p>` : nothing}`;
  }

  /** @param {Event & { target: HTMLDetailsElement }} event */
  #toggled({ target }) {
    this.open = target.open;
  }
}

customElements.define("ew-json", JsonTree);
