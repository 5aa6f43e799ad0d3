// What tables of stacks have in common: the way from a stack to its echo.
import { isPlain } from "./plain.js";

/** @typedef {import("./component.js").Component} Component */

/** A click on a stack's link opens it in the echo, on this page. @param {Component} table @param {MouseEvent} event @param {string} name */
export function openStack(table, event, name) {
  if (!isPlain(event)) return;
  event.preventDefault();
  table.tell("ew-open", name);
}

/** Goes to the first stack that matches the filter, and opens it where the user chose it. @param {Component} table @param {CustomEvent<{ choose: boolean }>} event of the filter */
export async function goToFirst(table, { detail: { choose }, target }) {
  const { query } = /** @type {HTMLElement & { query: string }} */ (target);
  await table.updateComplete;
  const first = /** @type {HTMLAnchorElement | null} */ (table.querySelector("tbody a"));
  first?.focus();
  if (choose && query.trim() !== "") first?.click();
}
