// Loads what a view needs when it is first shown, so that it does not delay the views before it.
import { NEEDS } from "./needs.js";

/** Where the page's files are: their addresses have a version, which the page's own has not. */
const FILES = new URL("../../", import.meta.url);

/** @type {Set<string>} the views whose modules have been asked for */
const preloaded = new Set();

/** Asks for all modules of a view at once: otherwise each module is known only when the one that imports it is here.
 * @param {import("./address.js").View} view */
export function preload(view) {
  if (preloaded.has(view)) return;
  preloaded.add(view);
  for (const file of NEEDS[`js/${view}/${view}.js`] ?? []) {
    document.head.append(linkTo("modulepreload", file));
  }
}

/** @type {Map<string, Promise<void>>} */
const sheets = new Map();

/** Adds a sheet to the page, once. Rejects if it does not load; another call tries again. @param {string} file */
export function addStyles(file) {
  const sheet = sheets.get(file) ?? load(file);
  sheets.set(file, sheet);
  return sheet;
}

/** @param {string} file @returns {Promise<void>} */
function load(file) {
  const link = linkTo("stylesheet", file);
  return new Promise((resolve, reject) => {
    link.addEventListener("load", () => resolve());
    link.addEventListener("error", () => {
      link.remove();
      sheets.delete(file);
      reject(new Error(`${file} could not be loaded`));
    });
    document.head.append(link);
  });
}

/** @param {string} rel @param {string} file */
function linkTo(rel, file) {
  return Object.assign(document.createElement("link"), { rel, href: new URL(file, FILES).href });
}
