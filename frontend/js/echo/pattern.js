// What a search looks for, and where it is in a text.

/** @typedef {import("../i18n/i18n.js").Message} Message */
/** @typedef {[number, number][]} Ranges where a text matches: from, and to before which, in order */

const MOST_RANGES = 200; // of one text; what is found beyond that is not highlighted
const FLAGS = "giu";

/** @param {string} pattern a regular expression @returns {{ expression: RegExp } | { error: Message }} */
export function compile(pattern) {
  try {
    return { expression: new RegExp(pattern, FLAGS) };
  } catch (error) {
    return { error: { key: "search.bad", params: { pattern, detail: /** @type {Error} */ (error).message } } };
  }
}

/** @param {string} text @returns {RegExp} which finds that text, whatever is special in it */
export function literally(text) {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), FLAGS);
}

/**
 * @param {RegExp} expression with the flag g
 * @param {string} text
 * @returns {Ranges | null} null where nothing matches; an empty match has no length, and counts as one
 */
export function rangesIn(expression, text) {
  /** @type {Ranges} */
  const ranges = [];
  let found = false;
  for (const match of text.matchAll(expression)) {
    found = true;
    if (match[0] !== "") ranges.push([match.index, match.index + match[0].length]);
    if (ranges.length === MOST_RANGES) break;
  }
  return found ? ranges : null;
}

/**
 * @param {string} text @param {Ranges} ranges of a text that begins with it
 * @returns {{ text: string, found: boolean }[]} its pieces, in order
 */
export function pieces(text, ranges) {
  const parts = [];
  let at = 0;
  for (const [from, to] of ranges) {
    if (from >= text.length) break;
    if (from > at) parts.push({ text: text.slice(at, from), found: false });
    parts.push({ text: text.slice(from, to), found: true });
    at = Math.min(to, text.length);
  }
  if (at < text.length) parts.push({ text: text.slice(at), found: false });
  return parts;
}
