// A sentence of the lab's data, in the page's language where there is a translation.
import { html } from "lit";
import { translated } from "../i18n/i18n.js";

/** @param {string} english */
export function sentence(english) {
  const { text, lang } = translated(english);
  return html`<span lang=${lang}>${text}</span>`;
}
