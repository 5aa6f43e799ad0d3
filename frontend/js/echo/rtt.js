// Pairs each echo with the message that it echoes, by content: a phantom or a lost message never shifts the others.
import { textOf } from "./payload.js";

const MOST_PENDING = 20_000;
const MOST_BYTES = 64 * 1024 * 1024;

/** @typedef {import("./payload.js").Data} Data */

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

/** @template T what to remember of a message sent */
export class Pairing {
  /** @type {Map<string, { item: T, time: number }[]>} */
  #pending = new Map();
  #count = 0;
  #size = 0;

  /** @param {Data} data @param {number} time @param {T} item */
  sent(data, time, item) {
    const key = contentKey(data);
    const queue = this.#pending.get(key);
    if (queue === undefined) {
      this.#pending.set(key, [{ item, time }]);
      this.#size += key.length;
    } else {
      queue.push({ item, time });
    }
    this.#count++;
    while (this.#count > MOST_PENDING || this.#size > MOST_BYTES) this.#forgetOldest();
  }

  /**
   * @param {Data} data @param {number} time
   * @returns {{ item: T, rtt: number } | null} null where nothing equal is waiting
   */
  received(data, time) {
    const key = contentKey(data);
    const queue = this.#pending.get(key);
    const first = queue?.shift();
    if (queue === undefined || first === undefined) return null;
    this.#count--;
    if (queue.length === 0) this.#forget(key);
    return { item: first.item, rtt: time - first.time };
  }

  reset() {
    this.#pending.clear();
    this.#count = this.#size = 0;
  }

  /** @param {string} key */
  #forget(key) {
    this.#pending.delete(key);
    this.#size -= key.length;
  }

  #forgetOldest() {
    const [[key, queue]] = this.#pending;
    this.#count -= queue.length;
    this.#forget(key);
  }
}
