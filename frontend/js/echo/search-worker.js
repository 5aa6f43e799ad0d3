// Runs a regular expression where it cannot hold up the page: regex-search.js ends this worker if it takes too long.
import { compile, rangesIn } from "./pattern.js";

addEventListener("message", ({ data: { pattern, texts } }) => {
  const compiled = compile(pattern);
  try {
    if ("error" in compiled) throw new Error(String(compiled.error.params?.detail));
    postMessage({ found: texts.map((/** @type {string} */ text) => rangesIn(compiled.expression, text)) });
  } catch (error) {
    postMessage({ detail: /** @type {Error} */ (error).message }); // such as "regular expression too large"
  }
});
postMessage({ started: true });
