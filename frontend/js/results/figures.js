// Figures of the results as people read them.
import { formatSize } from "../shared/format.js";

/** Three digits, and no more. @param {number} value @param {"en" | "zh"} language */
export function formatFigure(value, language) {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: digits }).format(value);
}

/** @param {number} microseconds @param {"en" | "zh"} language */
export function formatMicroseconds(microseconds, language) {
  return microseconds < 1000
    ? `${formatFigure(microseconds, language)} µs`
    : `${formatFigure(microseconds / 1000, language)} ms`;
}

/** @param {string} quantity as in Compare's columns @param {number} value @param {"en" | "zh"} language */
export function formatQuantity(quantity, value, language) {
  if (quantity === "socket" || quantity === "memory" || quantity === "largest") return formatSize(Math.round(value));
  return formatMicroseconds(value, language);
}

/** When and where a run was, in a few words. @param {import("./model.js").Circumstances} run @returns {Record<string, string | number>} */
export function circumstances({ began, engine, machine, commit }) {
  return {
    when: `${began.slice(0, 10)} ${began.slice(11, 16)} UTC`,
    engine: engine ?? "–",
    processor: machine.processor,
    cores: machine.cores,
    system: machine.system,
    commit: commit?.slice(0, 7) ?? "–",
  };
}

/** Where a section is: `RFC 6455, 5.5.2` at the RFC editor's; "" for what no RFC says. @param {string} section */
export function linkOf(section) {
  const found = /^RFC (\d+), ([\d.]+)$/.exec(section);
  return found ? `https://www.rfc-editor.org/rfc/rfc${found[1]}#section-${found[2]}` : "";
}
