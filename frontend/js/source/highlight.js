// Python as tokens with a class each, anything else as it is: text and spans, never HTML.
import { classHighlighter, highlightCode } from "@lezer/highlight";
import { parser } from "@lezer/python";

/** @typedef {{ text: string, style: string }} Token */

/** @param {string} code @param {string} file @returns {Token[]} */
export function highlight(code, file) {
  if (!file.endsWith(".py")) return [{ text: code, style: "" }]; // a grammar of each language is more than the page may weigh
  /** @type {Token[]} */
  const tokens = [];
  highlightCode(
    code,
    parser.parse(code),
    classHighlighter,
    (text, style) => tokens.push({ text, style }),
    () => tokens.push({ text: "\n", style: "" }),
  );
  return tokens;
}
