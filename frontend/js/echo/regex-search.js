// Looks for a regular expression in a worker, for so long at most: some expressions take longer than anybody lives.

/** @typedef {import("../i18n/i18n.js").Message} Message */
/** @typedef {{ found: (import("./pattern.js").Ranges | null)[] } | { error: Message }} Answer by text, in order */

export const LIMIT = 2000; // milliseconds for one batch of texts
const TRIES = 3; // to start the worker, whose file the network may lose

const ADDRESS = new URL("./search-worker.js", import.meta.url).href;
/** The page's policy lets no text become the address of a script, but for this one. */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("echo-wall-worker", {
  createScriptURL: () => ADDRESS,
});

export class RegexSearch {
  /** @type {Worker | null} */
  #worker = null;
  /** @type {((answer: Answer) => void) | null} what answers the present call */
  #finish = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #pattern = "";

  /**
   * A further call ends the one before, which is never answered then.
   * @param {string} pattern @param {string[]} texts @returns {Promise<Answer>}
   */
  find(pattern, texts) {
    if (this.#finish !== null) this.stop();
    this.#pattern = pattern;
    return new Promise((resolve) => {
      this.#finish = (answer) => {
        clearTimeout(this.#timer);
        this.#finish = null;
        resolve(answer);
      };
      const ask = () => {
        this.#timer = setTimeout(() => this.#giveUp(), LIMIT);
        this.#worker?.postMessage({ pattern, texts });
      };
      if (this.#worker === null) this.#start(ask);
      else ask();
    });
  }

  stop() {
    clearTimeout(this.#timer);
    this.#worker?.terminate();
    this.#worker = this.#finish = null;
  }

  /** The time that a busy machine takes to start the worker is not the expression's. @param {() => void} ready @param {number} [tries] that are left */
  #start(ready, tries = TRIES) {
    const worker = new Worker(policy?.createScriptURL("") ?? ADDRESS, { type: "module" });
    this.#worker = worker;
    const bad = (/** @type {string} */ detail) => ({
      error: { key: "search.bad", params: { pattern: this.#pattern, detail } },
    });
    let starting = true;
    worker.onmessage = ({ data: { started, found, detail } }) => {
      if (this.#worker !== worker) return;
      starting &&= !started;
      if (started) ready();
      else this.#finish?.(found === undefined ? bad(detail) : { found });
    };
    worker.onerror = ({ message }) => {
      if (this.#worker !== worker) return;
      const finish = this.#finish;
      this.stop();
      this.#finish = finish;
      if (starting && tries > 1) this.#start(ready, tries - 1);
      else finish?.(starting ? { error: { key: "search.unavailable" } } : bad(message));
    };
  }

  #giveUp() {
    const finish = this.#finish;
    this.stop();
    finish?.({ error: { key: "search.slow", params: { pattern: this.#pattern, seconds: LIMIT / 1000 } } });
  }
}
