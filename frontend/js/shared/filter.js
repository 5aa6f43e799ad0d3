// Which stacks are meant by a few words: each of them has to be somewhere in what a stack is and runs on.
import { t } from "../i18n/i18n.js";

/** @typedef {import("./catalog.js").Service} Service */

/** @param {string} text */
const fold = (text) => text.normalize("NFKC").toLowerCase();

/** @param {string} query @param {string[]} texts @returns {boolean} whether every word of the query is in one of them */
export function matches(query, texts) {
  const all = fold(texts.join("\n"));
  return fold(query)
    .split(/\s+/)
    .every((word) => all.includes(word));
}

/** @param {Service} service @param {string} query @returns {boolean} */
export function isMeant({ title, name, framework, server, concurrency }, query) {
  return matches(query, [title, name, framework, server, concurrency, t(`concurrency.${concurrency}`)]);
}
