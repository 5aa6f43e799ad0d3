// Where an answer differs from what was sent.
import { bytesOf } from "../verify/payload.js";

/** @typedef {import("../verify/payload.js").Data} Data */
/**
 * @typedef {object} Difference
 * @property {"characters" | "bytes"} unit of the position: characters where both are text
 * @property {number} at how many are the same at the beginning
 * @property {string} before the end of what is the same there
 * @property {string} sent what was sent in the place of
 * @property {string} received this
 * @property {string} after the beginning of what is the same at the end
 */

const AROUND = 40; // of what is the same, so much on either side
const SHOWN = 400; // of what differs

/**
 * One run that differs, between the longest beginning and the longest end that are the same.
 * @param {Data} sent @param {Data} received
 * @returns {Difference | null} null where the content is the same
 */
export function difference(sent, received) {
  const texts = typeof sent === "string" && typeof received === "string";
  const [one, other] = texts ? [Array.from(sent), Array.from(received)] : [bytesOf(sent), bytesOf(received)];
  const shorter = Math.min(one.length, other.length);
  let at = 0;
  while (at < shorter && one[at] === other[at]) at++;
  if (at === one.length && at === other.length) return null;
  let end = 0;
  while (end < shorter - at && one[one.length - 1 - end] === other[other.length - 1 - end]) end++;
  const part = (/** @type {ArrayLike<string | number>} */ of, /** @type {number} */ from, /** @type {number} */ to) =>
    spell(Array.prototype.slice.call(of, from, to));
  return {
    unit: texts ? "characters" : "bytes",
    at,
    before: part(one, Math.max(0, at - AROUND), at),
    sent: shorten(part, one, at, one.length - end),
    received: shorten(part, other, at, other.length - end),
    after: part(one, one.length - end, Math.min(one.length, one.length - end + AROUND)),
  };
}

/**
 * @param {(of: ArrayLike<string | number>, from: number, to: number) => string} part
 * @param {ArrayLike<string | number>} of @param {number} from @param {number} to
 */
function shorten(part, of, from, to) {
  return to - from <= SHOWN ? part(of, from, to) : `${part(of, from, from + SHOWN)}…`;
}

/** @param {(string | number)[]} units @returns {string} characters as they are, bytes in hex */
function spell(units) {
  return typeof units[0] === "number"
    ? units.map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
    : units.join("");
}
