// Sending a message again and again.

/** @typedef {import("../i18n/i18n.js").Message} Message */

export const MOST_TIMES = 10_000;
export const MOST_PAUSE = 3_600_000; // milliseconds
const MOST_MESSAGES = 100_000;

/**
 * @param {string} times as typed; empty means once
 * @param {string} every milliseconds, as typed; empty means at once
 * @param {number} count how many messages are sent each time
 * @returns {{ times: number, every: number } | { error: Message }}
 */
export function checkRepeat(times, every, count) {
  const number = times.trim() === "" ? 1 : Number(times);
  if (!Number.isInteger(number) || number < 1 || number > MOST_TIMES) {
    return { error: { key: "error.times", params: { times, most: MOST_TIMES } } };
  }
  if (number * count > MOST_MESSAGES) {
    return { error: { key: "error.tooMany", params: { count: number * count, most: MOST_MESSAGES } } };
  }
  const pause = every.trim() === "" ? 0 : Number(every);
  if (!Number.isInteger(pause) || pause < 0 || pause > MOST_PAUSE) {
    return { error: { key: "error.every", params: { every, most: MOST_PAUSE } } };
  }
  return { times: number, every: pause };
}

/**
 * @template T
 * @param {() => Iterable<T>} messages
 * @param {number} times
 */
export function* repeated(messages, times) {
  for (let time = 0; time < times; time++) yield* messages();
}

const PLACEHOLDER = /\{\{(n|now)\}\}/g;

/** @param {string} text @returns {boolean} whether there is something in it to fill in */
export function hasPlaceholders(text) {
  return text.search(PLACEHOLDER) !== -1;
}

/** @param {string} text @param {number} n the number for {{n}} @param {Date} now the time for {{now}} @returns {string} */
export function fill(text, n, now) {
  return text.replace(PLACEHOLDER, (_, name) => (name === "n" ? String(n) : now.toISOString()));
}
