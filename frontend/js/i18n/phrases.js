// What a check observed, and what a benchmark measured, in Chinese. It is a phrase, or several of them with what each
// was observed of: "each comes back for 1012, 1013; cut off for 1014".

const FIGURES = /\d+(?:[.,]\d+)*/g;

/** @param {string} english @param {Map<string, string>} phrases with a # for each figure @returns {string | null} null where a phrase is unknown */
export function translatePhrases(english, phrases) {
  const parts = english.split("; ").map((part) => translatePart(part, phrases));
  return parts.every((part) => part !== null) ? parts.join("；") : null;
}

/** @param {string} part @param {Map<string, string>} phrases */
function translatePart(part, phrases) {
  const whole = translatePhrase(part, phrases);
  const at = part.lastIndexOf(" for ");
  if (whole !== null || at < 0) return whole;
  const what = translatePhrase(part.slice(0, at), phrases);
  const of = part
    .slice(at + " for ".length)
    .split(", ")
    .map((one) => (/^\d+$/.test(one) ? one : translatePhrase(one, phrases)));
  return what === null || of.includes(null) ? null : `${of.join("、")}：${what}`;
}

/** @param {string} phrase @param {Map<string, string>} phrases */
function translatePhrase(phrase, phrases) {
  const figures = phrase.match(FIGURES) ?? [];
  const found = phrases.get(phrase) ?? phrases.get(phrase.replace(FIGURES, "#"));
  return found === undefined ? null : found.replaceAll("#", () => /** @type {string} */ (figures.shift()));
}
