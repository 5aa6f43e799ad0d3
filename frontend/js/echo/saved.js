// Messages that somebody keeps for later, in this browser.

/** @typedef {{ kind: "text" | "json" | "hex", text: string }} Saved */

const KEY = "echo-wall-saved";
const MOST = 50;
const KINDS = ["text", "json", "hex"];

/** @returns {Saved[]} the latest last; none where the browser keeps nothing, or where what it keeps is something else */
export function loadSaved() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isSaved).slice(-MOST) : [];
  } catch {
    return [];
  }
}

/** @param {Saved[]} saved @returns {boolean} whether the browser has kept them */
export function keepSaved(saved) {
  try {
    localStorage.setItem(KEY, JSON.stringify(saved));
    return true;
  } catch {
    return false; // storage is forbidden, or full
  }
}

/** With one more at the end, each once, and no more than so many. @param {Saved[]} saved @param {Saved} message */
export function withSaved(saved, { kind, text }) {
  const others = saved.filter((other) => other.kind !== kind || other.text !== text);
  return [...others, { kind, text }].slice(-MOST);
}

/** @param {any} value @returns {value is Saved} */
function isSaved(value) {
  return KINDS.includes(value?.kind) && typeof value.text === "string";
}
