// Loads the style sheet of a view when the view is first shown, so that it does not delay the views before it.

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
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: file });
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
