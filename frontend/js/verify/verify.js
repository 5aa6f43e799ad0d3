// Verifies the echo: which message each answer is to, and whether it is what was sent.
import { bytesOf, textOf } from "./payload.js";

/** @typedef {import("./payload.js").Data} Data */
/** @typedef {"same" | "type" | "cut" | "altered"} Likeness the same, as the other type, only its beginning, or another */
/**
 * What is found of a message: of one that was received, what it answers and how, and of one that was sent, whether its
 * echo came. Each new finding replaces the last one. Times are in milliseconds.
 * @typedef {{ how: Likeness, sent: Data, rtt: number }
 *   | { how: "unasked" | "none" | "ended" }
 *   | { how: "echoed", rtt: number }} Finding
 */

export const PATIENCE = 5000; // milliseconds after which a message counts as unanswered, for the time being

const MOST_PENDING = 20_000;
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_BEGINNINGS = 64; // messages that a short answer is held against

/**
 * How an answer is like what was sent.
 * @param {Data} sent @param {Data} received @returns {Likeness}
 */
export function compare(sent, received) {
  if (typeof sent === "string" && typeof received === "string") {
    if (sent === received) return "same";
    return received !== "" && sent.startsWith(received) ? "cut" : "altered";
  }
  const [whole, part] = [bytesOf(sent), bytesOf(received)];
  if (part.length > whole.length || part.some((byte, at) => byte !== whole[at])) return "altered";
  if (part.length < whole.length) return part.length > 0 ? "cut" : "altered";
  return typeof sent === typeof received ? "same" : "type";
}

/**
 * Equal content gives an equal key. Binary that is UTF-8 has the key of the text, since some stacks answer it as text.
 * @param {Data} data
 */
function contentKey(data) {
  if (typeof data === "string") return data;
  const text = textOf(data);
  if (text !== null) return text;
  let hash = 0x811c9dc5;
  for (let i = 0; i < data.length; i++) hash = Math.imul(hash ^ data[i], 0x01000193);
  return `\0binary ${data.length} ${hash}`;
}

/**
 * A message that its echo has not come for yet.
 * @template T
 * @typedef {object} Pending
 * @property {number} order
 * @property {Data} data
 * @property {string} key
 * @property {number} time
 * @property {T} item
 * @property {T | null} guess what was taken for its answer, though it is another
 */

/**
 * Finds of each message received what it answers, by content: a phantom or a lost message never shifts the others. What
 * equals no message is held to be the answer to the oldest one without an answer, until the echo of that one comes.
 * @template T what to remember of a message
 */
export class Verifier {
  /** @type {Map<string, Pending<T>[]>} what may still be answered, by content, the oldest first */
  #pending = new Map();
  /** @type {Set<Pending<T>>} those of them that have been waiting for less than PATIENCE, with no answer at all */
  #waiting = new Set();
  /** @type {Set<Pending<T>>} those of them that another message may answer, and some that it may not any more: see #answered */
  #open = new Set();
  #answered = 0; // the order of the latest whose echo came: answers come in order, so none up to it is answered by another
  #count = 0;
  #size = 0;
  #next = 1;

  /** @param {(item: T, finding: Finding) => void} found is told of each finding */
  constructor(found) {
    this.found = found;
  }

  /** @param {Data} data @param {number} time milliseconds @param {T} item */
  sent(data, time, item) {
    const key = contentKey(data);
    /** @type {Pending<T>} */
    const pending = { order: this.#next++, data, key, time, item, guess: null };
    const queue = this.#pending.get(key);
    if (queue === undefined) {
      this.#pending.set(key, [pending]);
      this.#size += key.length;
    } else {
      queue.push(pending);
    }
    this.#waiting.add(pending);
    this.#open.add(pending);
    this.#count++;
    while (this.#count > MOST_PENDING || this.#size > MOST_BYTES) this.#forgetOldest();
  }

  /** @param {Data} data @param {number} time milliseconds @param {T} item */
  received(data, time, item) {
    const echoed = this.#take(data);
    if (echoed !== null) {
      this.#answered = Math.max(this.#answered, echoed.order);
      if (echoed.guess !== null) this.found(echoed.guess, { how: "unasked" });
      const rtt = time - echoed.time;
      this.found(echoed.item, { how: "echoed", rtt });
      this.found(item, { how: compare(echoed.data, data), sent: echoed.data, rtt });
      return;
    }
    const meant = this.#meant(data);
    if (meant === null) {
      this.found(item, { how: "unasked" });
      return;
    }
    this.#waiting.delete(meant);
    this.#open.delete(meant);
    meant.guess = item;
    this.found(item, { how: compare(meant.data, data), sent: meant.data, rtt: time - meant.time });
  }

  /**
   * Gives up on what has waited for long. Its echo may still come.
   * @param {number} time milliseconds
   * @returns {number | null} when the next one will have waited for long; null where nothing waits
   */
  expire(time) {
    for (const pending of this.#waiting) {
      if (pending.time + PATIENCE > time) return pending.time + PATIENCE;
      this.#waiting.delete(pending);
      this.#open.delete(pending);
      this.found(pending.item, { how: "none" });
    }
    return null;
  }

  /** The connection is no more: nothing is answered any longer. */
  end() {
    for (const { item } of this.#waiting) this.found(item, { how: "ended" });
    this.#pending.clear();
    this.#waiting.clear();
    this.#open.clear();
    this.#count = this.#size = 0;
  }

  /** @param {Data} data @returns {Pending<T> | null} the message of this content, of this type if there is one */
  #take(data) {
    const key = contentKey(data);
    const queue = this.#pending.get(key) ?? [];
    const same = queue.findIndex((pending) => compare(pending.data, data) === "same");
    const index = same !== -1 ? same : queue.findIndex((pending) => compare(pending.data, data) === "type");
    if (index === -1) return null;
    const [pending] = index === 0 ? [/** @type {Pending<T>} */ (queue.shift())] : queue.splice(index, 1);
    this.#forget(pending);
    this.#count--;
    if (queue.length === 0) this.#drop(key);
    return pending;
  }

  /** @param {Data} data @returns {Pending<T> | null} the message that this may answer, though it is another */
  #meant(data) {
    if (data.length === 0) return null; // an empty message is like every other one, and most often a phantom
    /** @type {Pending<T> | null} */
    let oldest = null;
    let looked = 0;
    for (const pending of this.#open) {
      if (pending.order <= this.#answered) {
        this.#open.delete(pending); // late or lost: nothing but its echo will answer it
        continue;
      }
      oldest ??= pending;
      if (compare(pending.data, data) === "cut") return pending;
      if (++looked === MOST_BEGINNINGS) break;
    }
    return oldest;
  }

  /** @param {Pending<T>} pending */
  #forget(pending) {
    this.#waiting.delete(pending);
    this.#open.delete(pending);
  }

  /** @param {string} key */
  #drop(key) {
    this.#pending.delete(key);
    this.#size -= key.length;
  }

  #forgetOldest() {
    const [[key, queue]] = this.#pending;
    this.#count -= queue.length;
    for (const pending of queue) this.#forget(pending);
    this.#drop(key);
  }
}
