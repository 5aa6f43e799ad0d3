// What is found of an echo, as it is shown.
import { html, nothing } from "lit";
import { SYMBOLS } from "./marks.js";
import { t } from "../i18n/i18n.js";
import { sentence } from "../shared/sentence.js";
import { cause, checks } from "../source/source.js";

/** @typedef {import("./marks.js").Mark} Mark */

/** @param {Mark} mark */
export function markText({ how, wrong, text }) {
  return html`<span class="mark ${wrong ? "wrong" : ""}"><span aria-hidden="true">${SYMBOLS[how]}</span> ${t(text.key, text.params)}</span>`;
}

/** The deviation that explains it, to be opened. @param {Mark} mark */
export function explanation({ known, naive }) {
  if (naive !== null) return html`<details><summary>${t("mark.naive")}</summary><p>${sentence(naive)}</p></details>`;
  if (known === null) return nothing;
  return html`<details><summary>${t("mark.known")}</summary><p>${checks(known)}${cause(known)}</p></details>`;
}
