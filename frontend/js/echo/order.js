// In what order the log shows its entries.

/** @typedef {import("./log.js").Entry} Entry */
/** @typedef {"arrival" | "newest" | "slowest" | "largest"} Order */

/** @type {Order[]} */
export const ORDERS = ["arrival", "newest", "slowest", "largest"];

/** @param {Entry} entry @returns {number} milliseconds that its echo took; less than any where it is no echo */
const slowness = ({ direction, rtt }) => (direction === "received" && rtt !== null ? rtt : -1);
/** @param {Entry} entry @returns {number} bytes; less than any of an event */
const largeness = ({ direction, size }) => (direction === "event" ? -1 : size);

/** @param {Entry[]} entries as they came @param {Order} order @returns {Entry[]} equal ones as they came */
export function ordered(entries, order) {
  if (order === "newest") return entries.toReversed();
  if (order === "slowest") return entries.toSorted((one, two) => slowness(two) - slowness(one));
  if (order === "largest") return entries.toSorted((one, two) => largeness(two) - largeness(one));
  return entries;
}

/** @param {Entry[]} entries @returns {Entry | null} the echo that took longest; null where none came */
export function slowest(entries) {
  let found = null;
  for (const entry of entries) if (slowness(entry) > (found === null ? -1 : slowness(found))) found = entry;
  return found;
}
