// What was measured: results/index.json, the runs that it lists, and the runs that the user has added.
import { again } from "../shared/again.js";
import { BadFile, LARGEST, readRun } from "./own.js";
import { summary } from "./summary.js";

/** @typedef {import("./model.js").Index} Index */
/** @typedef {import("./model.js").Run} Run */
/** @typedef {import("./model.js").Causes} Causes */
/** @typedef {import("../i18n/i18n.js").Message} Message */
/** @typedef {{ file: string, name: string, run: Run, index: Index }} Own a run that the user has added, from a file of that name */

/** @type {Index} */
const NOTHING = { groups: {}, checks: [], conformance: [], steps: [], costs: [] };

/** Fires `change` when something has come, or gone. */
export class Results extends EventTarget {
  /** @type {Index} */
  index = NOTHING;
  /** Whether the index has come, or is known not to come. */
  known = false;
  /** @type {Message[]} */
  troubles = [];
  /** @type {Own[]} */
  own = [];
  #added = 0;
  /** @type {Map<string, Promise<any>>} */
  #files = new Map();
  #asked = false; // for the index

  /** Loads the index, once. */
  async load() {
    if (this.#asked) return;
    this.#asked = true;
    try {
      this.index = await again(() => read("results/index.json"));
    } catch (error) {
      const detail = /** @type {Error} */ (error).message;
      this.troubles = [...this.troubles, { key: "results.failed", params: { detail } }];
    }
    this.known = true;
    this.#changed();
  }

  /** A run, by the file that an index names. Rejects if it does not come; another call tries again.
   * @param {string} file @returns {Promise<Run>} */
  run(file) {
    const own = this.own.find((one) => one.file === file);
    return own ? Promise.resolve(own.run) : this.#once(`results/${file}`);
  }

  /** @returns {Promise<Causes>} */
  causes() {
    return this.#once("causes.json");
  }

  /** Adds what these files hold, and tells of those that hold nothing. @param {Iterable<File>} files */
  async add(files) {
    this.troubles = [];
    for (const file of files) {
      try {
        if (file.size > LARGEST) throw new BadFile({ key: "own.tooLarge", params: { name: file.name } });
        const run = readRun(file.name, await file.text());
        const name = `own:${++this.#added}`;
        this.own = [...this.own, { file: name, name: file.name, run, index: summary(run, name) }];
      } catch (error) {
        const detail = /** @type {Error} */ (error).message;
        const sentence = { key: "own.unreadable", params: { name: file.name, detail } };
        this.troubles = [...this.troubles, error instanceof BadFile ? error.sentence : sentence];
      }
    }
    this.#changed();
  }

  /** @param {string} file */
  remove(file) {
    this.own = this.own.filter((one) => one.file !== file);
    this.troubles = [];
    this.#changed();
  }

  /** @param {string} address @returns {Promise<any>} */
  #once(address) {
    const coming = this.#files.get(address) ?? again(() => read(address));
    this.#files.set(address, coming);
    coming.catch(() => this.#files.delete(address));
    return coming;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {string} address */
async function read(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.json();
}
