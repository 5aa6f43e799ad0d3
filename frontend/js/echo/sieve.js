// Which entries of a log its filter lets through. It looks at a few at a time, so that no log holds up the page.
import { isSearchedInPart, matches, searchable } from "./log.js";
import { compile, literally, rangesIn } from "./pattern.js";
import { again } from "../shared/again.js";

/** @typedef {import("./log.js").Entry} Entry */
/** @typedef {import("./log.js").Filter} Filter */
/** @typedef {import("./pattern.js").Ranges} Ranges */
/** @typedef {import("../i18n/i18n.js").Message} Message */

const BREATH = 20; // milliseconds of looking before the page may draw
const BATCH = { entries: 500, characters: 256 * 1024 }; // that the worker gets at once

/** Fires "found" when the worker has answered. */
export class Sieve extends EventTarget {
  /** @type {Filter} */
  filter = { show: "all", search: "", regex: false };
  /** @type {Entry[]} what the filter lets through */
  visible = [];
  /** @type {number[]} the seqs of large messages that the search has not found in what it looks at of them */
  inPart = [];
  seen = 0; // the last seq that was looked at
  /** @type {Message | null} what is wrong with the regular expression */
  trouble = null;
  /** @type {Map<number, Ranges>} by seq, where the regular expression was found */
  #ranges = new Map();
  /** @type {RegExp | null} what is highlighted, unless it is a regular expression */
  #literal = null;
  #asking = false;
  /** @type {import("./regex-search.js").RegexSearch | null} loaded when it is first needed */
  #search = null;

  /** Looks at everything anew. @param {Filter} filter */
  restart(filter) {
    const { search, regex } = filter;
    this.filter = filter;
    this.visible = [];
    this.inPart = [];
    this.seen = 0;
    this.#asking = false;
    this.#ranges.clear();
    this.#search?.stop();
    this.#literal = search === "" || regex ? null : literally(search);
    const compiled = regex ? compile(search) : null;
    this.trouble = compiled !== null && "error" in compiled ? compiled.error : null;
  }

  /** Goes on with what is new, and forgets what the log has dropped. @param {Entry[]} entries the whole log */
  look(entries) {
    const first = entries[0]?.seq ?? Infinity;
    const kept = this.visible.findIndex(({ seq }) => seq >= first);
    this.visible.splice(0, kept === -1 ? this.visible.length : kept);
    if (this.inPart[0] < first) this.inPart = this.inPart.filter((seq) => seq >= first);
    if (this.trouble !== null || this.#asking) return;
    const { search, regex } = this.filter;
    const next = Math.max(0, this.seen + 1 - first);
    if (regex && search !== "") this.#ask(entries, next);
    else this.#lookAt(entries, next);
  }

  /** Whether there is more to look at, and nothing to wait for. @param {Entry[]} entries the whole log */
  hasMore(entries) {
    return !this.#asking && this.trouble === null && this.seen < (entries.at(-1)?.seq ?? 0);
  }

  /** Until everything was looked at, or the expression turns out to be bad. @param {() => Entry[]} entries the whole log, as it is then */
  async finish(entries) {
    while (this.#asking || this.hasMore(entries())) {
      if (this.#asking) await new Promise((resolve) => this.addEventListener("found", resolve, { once: true }));
      else this.look(entries());
    }
  }

  /**
   * Where a text that is shown has what is searched for.
   * @param {Entry} entry @param {string} text @param {boolean} same whether it is the text that was searched, or its beginning
   * @returns {Ranges}
   */
  rangesOf({ seq }, text, same) {
    if (this.#literal !== null) return rangesIn(this.#literal, text) ?? [];
    return same ? (this.#ranges.get(seq) ?? []) : [];
  }

  /** @param {Entry[]} entries @param {number} next */
  #lookAt(entries, next) {
    const until = performance.now() + BREATH;
    for (let i = next; i < entries.length && performance.now() < until; i++)
      this.#keep(entries[i], matches(entries[i], this.filter));
  }

  /** @param {Entry[]} entries @param {number} next */
  async #ask(entries, next) {
    const { filter } = this;
    /** @type {Entry[]} */
    const looked = [];
    /** @type {string[]} */
    const texts = [];
    let characters = 0;
    for (let i = next; i < entries.length && looked.length < BATCH.entries && characters < BATCH.characters; i++) {
      looked.push(entries[i]);
      if (!matches(entries[i], { ...filter, search: "" })) continue;
      texts.push(searchable(entries[i]));
      characters += texts[texts.length - 1].length;
    }
    if (looked.length === 0) return;
    this.#asking = true;
    const answer = await this.#answer(texts);
    if (this.filter === filter) this.#take(answer, looked);
    this.dispatchEvent(new Event("found"));
  }

  /** @param {import("./regex-search.js").Answer} answer to the texts of those that the filter shows @param {Entry[]} looked */
  #take(answer, looked) {
    this.#asking = false;
    if ("error" in answer) this.trouble = answer.error;
    else {
      let at = 0;
      for (const entry of looked) {
        const ranges = matches(entry, { ...this.filter, search: "" }) ? answer.found[at++] : null;
        if (ranges !== null) this.#ranges.set(entry.seq, ranges);
        this.#keep(entry, ranges !== null);
      }
    }
  }

  /** @param {string[]} texts @returns {Promise<import("./regex-search.js").Answer>} */
  async #answer(texts) {
    if (texts.length === 0) return { found: [] };
    try {
      this.#search ??= new (await again(() => import("./regex-search.js"))).RegexSearch();
    } catch (error) {
      return { error: { key: "views.failed", params: { detail: /** @type {Error} */ (error).message } } };
    }
    return this.#search.find(this.filter.search, texts);
  }

  /** @param {Entry} entry @param {boolean} matching */
  #keep(entry, matching) {
    const { search } = this.filter;
    if (matching) this.visible.push(entry);
    else if (search !== "" && matches(entry, { ...this.filter, search: "" }) && isSearchedInPart(entry))
      this.inPart.push(entry.seq);
    this.seen = entry.seq;
  }
}
