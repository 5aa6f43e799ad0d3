// The base class of the page's components.
import { LitElement } from "lit";
import { languageChanges } from "../i18n/i18n.js";
import { Follows } from "./follows.js";

/** Renders into the light DOM, where the page's style sheets apply, and again when the language changes. */
export class Component extends LitElement {
  constructor() {
    super();
    new Follows(this, () => languageChanges, ["change"]);
  }

  createRenderRoot() {
    return this;
  }

  /** Fires an event that the elements around this component hear. @param {string} event @param {unknown} [detail] */
  tell(event, detail) {
    this.dispatchEvent(new CustomEvent(event, { detail, bubbles: true }));
  }
}
