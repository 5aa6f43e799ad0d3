// What every component of the page is.
import { LitElement } from "lit";
import { languageChanges } from "../i18n/i18n.js";
import { Follows } from "./follows.js";

/** In the light DOM, where the page's style sheets reach and a label finds its field; drawn anew when the language turns. */
export class Component extends LitElement {
  constructor() {
    super();
    new Follows(this, () => languageChanges, ["change"]);
  }

  createRenderRoot() {
    return this;
  }

  /** Tells whatever holds this component. @param {string} event @param {unknown} [detail] */
  tell(event, detail) {
    this.dispatchEvent(new CustomEvent(event, { detail, bubbles: true }));
  }
}
