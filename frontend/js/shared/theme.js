// Light or dark: as the system is, or as somebody chose, which is kept.

/** @typedef {"system" | "light" | "dark"} Theme */

/** @type {Theme[]} */
export const THEMES = ["system", "light", "dark"];
const REMEMBERED = "echo-wall-theme";

/** Fires "change" when the page's colours are others. */
export const themeChanges = new EventTarget();

const dark = matchMedia("(prefers-color-scheme: dark)");
/** @type {Theme} */
let current = "system";
try {
  const remembered = localStorage.getItem(REMEMBERED);
  current = THEMES.find((theme) => theme === remembered) ?? "system";
} catch {
  // Storage may be forbidden, and then it is as the system is.
}
dark.addEventListener("change", show);
show();

export function theme() {
  return current;
}

/** @param {Theme} chosen */
export function setTheme(chosen) {
  current = chosen;
  try {
    localStorage.setItem(REMEMBERED, chosen);
  } catch {
    // As above.
  }
  show();
}

/** The style sheets, Pico's too, go by this attribute. */
function show() {
  document.documentElement.dataset.theme = current === "system" ? (dark.matches ? "dark" : "light") : current;
  themeChanges.dispatchEvent(new Event("change"));
}
