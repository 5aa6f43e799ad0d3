// The messages of a race: the same for every stack.

/** @typedef {import("../verify/payload.js").Data} Data */
/** @typedef {import("../i18n/i18n.js").Message} Message */
/** @typedef {"text" | "binary" | "empty" | "mixed"} Kind */
/** @typedef {{ count: number, size: number, kind: Kind, atOnce: number }} Course size in bytes of each message */

/** @type {Kind[]} */
export const KINDS = ["text", "binary", "empty", "mixed"];
/** What the numbers may be. */
export const BOUNDS = {
  count: { least: 1, most: 1000, usual: 50 },
  size: { least: 1, most: 65_536, usual: 64 },
  atOnce: { least: 1, most: 20, usual: 6 },
};

/** @typedef {keyof typeof BOUNDS} Bounded */

/** @param {Bounded} name @param {string | undefined} text as typed, or from the address @returns {number | null} null where it is none of the numbers allowed */
export function parse(name, text) {
  const { least, most, usual } = BOUNDS[name];
  if (text === undefined || text === "") return usual;
  const number = Number(text);
  return /^\d+$/.test(text) && number >= least && number <= most ? number : null;
}

/** @param {string | undefined} text @returns {Kind} */
export function kindOf(text) {
  return KINDS.find((kind) => kind === text) ?? "text";
}

/** Each message is another, so that an echo can be told from that of the one before. @param {Course} course @returns {Data[]} */
export function messagesOf({ count, size, kind }) {
  return Array.from({ length: count }, (_, index) => messageOf(kind, size, index));
}

/** @param {Kind} kind @param {number} size @param {number} index @returns {Data} */
function messageOf(kind, size, index) {
  if (kind === "mixed") return messageOf(/** @type {Kind[]} */ (["text", "binary", "empty"])[index % 3], size, index);
  if (kind === "empty") return "";
  if (kind === "text") return `${index + 1} `.padEnd(size, "echo ").slice(0, size);
  return Uint8Array.from({ length: size }, (_, at) => (at === 0 ? index : at * 7 + index) & 0xff);
}
