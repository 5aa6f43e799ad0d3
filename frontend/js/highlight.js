// Python as tokens with a class each: text and spans, never HTML.
import { classHighlighter, highlightCode } from "@lezer/highlight";
import { parser } from "@lezer/python";

/** @typedef {{ text: string, style: string }} Token */

/** @param {string} code @returns {Token[]} */
export function highlight(code) {
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
