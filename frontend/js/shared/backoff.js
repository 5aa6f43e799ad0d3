// How long to wait before the next attempt to connect.

const FIRST = 1000;
const LONGEST = 15_000;

/**
 * Doubles with each attempt up to a ceiling; half of it is random, so that many clients of a server that comes back
 * do not all arrive at once.
 * @param {number} attempt 1 for the first
 * @param {() => number} [random]
 * @returns {number} milliseconds
 */
export function backoff(attempt, random = Math.random) {
  const ceiling = Math.min(LONGEST, FIRST * 2 ** (attempt - 1));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}
