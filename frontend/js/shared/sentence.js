// What the lab's data say in English, in the page's language where there is a translation.
import { html } from "lit";
import { translated, translatedPhrases } from "../i18n/i18n.js";

/** @param {string} english */
export function sentence(english) {
  const { text, lang } = translated(english);
  return html`<span lang=${lang}>${text}</span>`;
}

/** What checks observed, or may observe. @param {string[]} english */
export function outcome(...english) {
  return english.map((one, place) => {
    const { text, lang } = translatedPhrases(one);
    return html`${place > 0 ? " / " : ""}<span lang=${lang}>${text}</span>`;
  });
}
