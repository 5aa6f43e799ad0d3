// The box in which one types to see fewer stacks, and how many they are.
import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { t } from "../i18n/i18n.js";
import { Component } from "./component.js";

class StackFilter extends Component {
  static properties = { query: { type: String }, count: { type: Number }, all: { type: Number } };

  constructor() {
    super();
    this.query = "";
    this.count = 0;
    this.all = 0;
  }

  render() {
    return html`
      <input type="search" aria-label=${t("filter")} placeholder=${t("filter")} title=${t("filter.keys")} aria-keyshortcuts="Control+K Meta+K"
        autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="go" .value=${live(this.query)}
        @input=${this.#typed} @keydown=${this.#key}>
      <output aria-label=${t("filter.matches")}>${this.query.trim() === "" ? nothing : t("filter.count", { count: this.count, all: this.all })}</output>`;
  }

  focusBox() {
    const sheet = /** @type {HTMLElement | null} */ (this.closest("[popover]"));
    if (sheet && !sheet.matches(":popover-open")) sheet.showPopover();
    const box = /** @type {HTMLInputElement} */ (this.querySelector("input"));
    box.focus();
    box.select();
  }

  /** @param {InputEvent & { target: HTMLInputElement }} event */
  #typed({ target }) {
    this.tell("ew-filter", target.value);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // the key belongs to the input method
    if (event.key === "Escape") {
      this.tell("ew-filter", "");
    } else if (event.key === "Enter" || event.key === "ArrowDown") {
      event.preventDefault();
      this.tell("ew-filter-go", { choose: event.key === "Enter" });
    }
  }
}

customElements.define("ew-stack-filter", StackFilter);

/** Ctrl+K or ⌘K goes to the filter in sight: the one beside what has the focus, else the first. A key without a
 * modifier would be in the way of speech input (WCAG 2.1.4). @param {KeyboardEvent} event */
export function goToFilter(event) {
  if (event.ctrlKey === event.metaKey || event.altKey || event.shiftKey) return; // autofill sends none of these, nor a key
  if (event.key.toLowerCase() !== "k" || event.isComposing || event.defaultPrevented) return;
  const near = document.activeElement?.closest("ew-pane")?.querySelector("ew-stack-filter");
  const inSight = (/** @type {Element} */ one) => (one.closest("[popover]")?.parentElement ?? one).checkVisibility();
  const filter = [near, ...document.querySelectorAll("ew-stack-filter")].find((one) => one && inSight(one));
  if (!filter) return;
  event.preventDefault();
  /** @type {StackFilter} */ (filter).focusBox();
}
