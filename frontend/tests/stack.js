// A stack of the catalog, with what a test needs of it.

/** @typedef {import("../js/shared/catalog.js").Service} Service */

/** @param {string} name @param {object} facts @returns {Service} */
export function stack(name, facts = {}) {
  return /** @type {any} */ ({
    name,
    title: name.toUpperCase(),
    framework: "Frame",
    server: "Serve",
    concurrency: "async",
    protocol: "websocket",
    naive: null,
    era: "modern",
    released: "2026-01-01",
    maintenance: "active",
    known: [],
    mended: [],
    sources: ["echo.py"],
    lines: 1,
    ...facts,
  });
}
