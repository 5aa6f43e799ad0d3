// Settings that a reload of the page keeps, in the tab that they were made in: a subprotocol may be somebody's token.

const PREFIX = "echo-wall-";

/** @param {string} name @returns {string} "" where nothing is kept */
export function kept(name) {
  try {
    return sessionStorage.getItem(PREFIX + name) ?? "";
  } catch {
    return ""; // storage may be forbidden
  }
}

/** @param {string} name @param {string} value */
export function keep(name, value) {
  try {
    sessionStorage.setItem(PREFIX + name, value);
  } catch {
    // As above, and then a reload starts anew.
  }
}
