// The messages of one pane: bounded in number and in bytes, filtered, exported.
import { byteLength, bytesOf, textOf } from "../verify/payload.js";
import { t } from "../i18n/i18n.js";

/** @typedef {import("../verify/payload.js").Data} Data */
/** @typedef {import("../i18n/i18n.js").Message} Message */
/**
 * @typedef {object} Entry
 * @property {number} seq
 * @property {number} time milliseconds since 1970
 * @property {"sent" | "received" | "event"} direction
 * @property {"text" | "binary" | "open" | "close" | "error" | "reconnect" | "import"} kind
 * @property {Data} data empty for an event
 * @property {number} size
 * @property {number | null} rtt milliseconds of a message received, once it is known to be an echo
 * @property {import("../verify/marks.js").Mark | null} mark what is found of it
 * @property {Message[]} notes what an event says
 * @property {Record<string, unknown>} facts what an event exports
 */

const MOST_ENTRIES = 20_000;
const MOST_BYTES = 64 * 1024 * 1024;
const SEARCHED_LENGTH = 64 * 1024; // of text, and
const SEARCHED_BYTES = 4 * 1024; // of other binary, in hex

export class MessageLog {
  /** @type {Entry[]} consecutive by seq */
  entries = [];
  dropped = 0;
  #bytes = 0;
  #next = 1;

  /** @param {{ entries?: number, bytes?: number }} [most] */
  constructor({ entries = MOST_ENTRIES, bytes = MOST_BYTES } = {}) {
    this.most = { entries, bytes };
  }

  /** @param {"sent" | "received"} direction @param {Data} data */
  message(direction, data) {
    return this.#add({ direction, kind: typeof data === "string" ? "text" : "binary", data, size: byteLength(data) });
  }

  /** @param {"open" | "close" | "error" | "reconnect" | "import"} kind @param {Message[]} notes @param {Record<string, unknown>} [facts] */
  event(kind, notes, facts = {}) {
    return this.#add({ direction: "event", kind, notes, facts });
  }

  /** Adds what was exported once. @param {import("./import.js").Imported[]} entries */
  restore(entries) {
    for (const entry of entries) this.#add(entry);
  }

  clear() {
    this.entries = [];
    this.dropped = this.#bytes = 0;
  }

  /** @param {Pick<Entry, "direction" | "kind"> & Partial<Entry>} parts @returns {Entry} */
  #add(parts) {
    const entry = {
      seq: this.#next++,
      time: Date.now(),
      data: "",
      size: 0,
      rtt: null,
      mark: null,
      notes: [],
      facts: {},
      ...parts,
    };
    this.entries.push(entry);
    this.#bytes += entry.size;
    if (this.entries.length > this.most.entries || this.#bytes > this.most.bytes) this.#dropOldest();
    return entry;
  }

  /** A twentieth at once, since moving the rest up costs as much for one as for many. */
  #dropOldest() {
    const { most, entries } = this;
    let count = entries.length > most.entries ? 1 + Math.floor(most.entries / 20) : 0;
    this.#bytes -= entries.slice(0, count).reduce((sum, { size }) => sum + size, 0);
    while (this.#bytes > most.bytes && count < entries.length - 1) this.#bytes -= entries[count++].size;
    entries.splice(0, count);
    this.dropped += count;
  }
}

/** @param {Entry} entry @returns {string} what an event says, in the reader's language */
export function eventText(entry) {
  return entry.notes.map(({ key, params }) => t(key, params)).join(" ");
}

/** @param {Entry} entry the text that a search looks at: the beginning of a large message */
export function searchable(entry) {
  if (entry.direction === "event") return eventText(entry);
  const { data } = entry;
  if (typeof data === "string") return data.slice(0, SEARCHED_LENGTH);
  return (
    textOf(data.subarray(0, SEARCHED_LENGTH)) ??
    [...data.subarray(0, SEARCHED_BYTES)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
  );
}

/** Whether a search looks at the beginning of the message only. @param {Entry} entry */
export function isSearchedInPart({ data }) {
  if (typeof data === "string") return data.length > SEARCHED_LENGTH;
  if (data.length > SEARCHED_LENGTH) return true;
  return data.length > SEARCHED_BYTES && textOf(data) === null;
}

/** @typedef {{ show: "all" | "sent" | "received" | "event", search: string, regex: boolean }} Filter */

/**
 * @param {Entry} entry
 * @param {Pick<Filter, "show" | "search">} filter its search is a text, whatever is special in it
 */
export function matches(entry, { show, search }) {
  if (show !== "all" && entry.direction !== show) return false;
  return search === "" || searchable(entry).toLowerCase().includes(search.toLowerCase());
}

/** @param {Uint8Array} bytes */
export function base64(bytes) {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}

/** @param {Entry} entry @returns {string} one line of the exported JSON Lines */
export function exportLine(entry) {
  const { time, direction, kind, size, rtt, mark, data } = entry;
  const found = mark && { mark: mark.how, wrong: mark.wrong, found: t(mark.text.key, mark.text.params) };
  const common = { time: new Date(time).toISOString(), direction, kind, ...found };
  if (direction === "event") return JSON.stringify({ ...common, ...entry.facts, text: eventText(entry) });
  const payload = kind === "binary" ? { encoding: "base64", data: base64(bytesOf(data)) } : { data };
  return JSON.stringify({ ...common, size, rtt: rtt === null ? null : Number(rtt.toFixed(3)), ...payload });
}
