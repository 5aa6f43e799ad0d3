// What did not come may come yet: a machine that changes networks, or wakes up, loses what is on its way.

const PAUSES = [250, 1000];

/**
 * Rejects as the last attempt does.
 * @template T
 * @param {() => Promise<T>} load
 * @param {number[]} [pauses] milliseconds before each further attempt
 * @returns {Promise<T>}
 */
export async function again(load, pauses = PAUSES) {
  for (const pause of pauses) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return load();
}
