// The style sheets that come with a view, when it is first shown: what is not shown holds up no other view.

/** @type {Map<string, Promise<void>>} */
const sheets = new Map();

/** Adds a style sheet to the page, once. Rejects where it does not come, and may be asked again. @param {string} file */
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
