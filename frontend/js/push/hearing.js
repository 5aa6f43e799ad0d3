// What one listener has heard of the room, how late, and what that took so far.

/** @typedef {import("../i18n/i18n.js").Message} Notice */
/** @typedef {{ id: string, nick: string, text: string }} Said */
/** @typedef {{ from: number, to: number | null }} Span from when to when, to null while it lasts */
/** @typedef {{ said: number, heard: number }} Moment both in milliseconds, by performance.now() */

const KEPT = 1000; // moments and spans kept to be drawn

/** When each message was said, as far as this page knows. */
export class Ledger {
  /** @type {Map<string, number>} by their texts, those that this page has said */
  #own = new Map();
  /** @type {Map<string, number>} by their ids, when the first of the listeners heard them */
  #first = new Map();

  /** @param {string} text that nobody else says @param {number} now */
  say(text, now) {
    this.#own.set(text, now);
  }

  /** @param {Said} said @param {number} now when it was heard @returns {number} when it was said, or first heard */
  when({ id, text }, now) {
    const first = this.#first.get(id) ?? this.#own.get(text) ?? now;
    this.#first.set(id, first);
    return first;
  }
}

/** Fires "change" when anything in it did. */
export class Hearing extends EventTarget {
  requests = 0; // handshakes of a WebSocket included
  empty = 0; // those that brought nothing
  bytes = 0; // that came, as far as the browser tells
  heard = 0;
  twice = 0;
  /** @type {Notice | null} what is wrong at present */
  trouble = null;
  /** @type {Moment[]} the latest messages */
  moments = [];
  /** @type {Span[]} the latest requests and connections */
  spans = [];

  /** @type {Set<string>} */
  #ids = new Set();
  #ledger;
  #paced = -Infinity; // since when it asks at its pace

  /** @param {Ledger} ledger that it shares with the others */
  constructor(ledger) {
    super();
    this.#ledger = ledger;
  }

  /** A request goes out, or a connection opens. @param {number} [now] @returns {Span} */
  begin(now = performance.now()) {
    this.requests++;
    const span = { from: now, to: null };
    this.spans = [...this.spans.slice(-KEPT), span];
    this.changed();
    return span;
  }

  /** @param {Span} span @param {number} [now] */
  end(span, now = performance.now()) {
    span.to ??= now;
    this.changed();
  }

  /** @param {number} bytes */
  take(bytes) {
    this.bytes += bytes;
    this.changed();
  }

  /** @param {Said} said @param {number} [now] */
  hear(said, now = performance.now()) {
    if (this.#ids.has(said.id)) {
      this.twice++;
    } else {
      this.#ids.add(said.id);
      this.heard++;
      this.moments = [...this.moments.slice(-KEPT), { said: this.#ledger.when(said, now), heard: now }];
    }
    this.changed();
  }

  /** @param {Notice | null} trouble */
  complain(trouble) {
    this.trouble = trouble;
    this.changed();
  }

  /** It asks at another pace from now on: how late the messages were before says nothing of it. @param {number} [now] */
  changePace(now = performance.now()) {
    this.#paced = now;
    this.changed();
  }

  /** @returns {{ last: number, median: number } | null} how late the latest messages were at its pace, in milliseconds */
  get late() {
    const late = this.moments.filter(({ said }) => said >= this.#paced).map(({ said, heard }) => heard - said);
    if (late.length === 0) return null;
    return { last: late[late.length - 1], median: late.toSorted((a, b) => a - b)[late.length >> 1] };
  }

  /** @returns {number | null} bytes for each message */
  get each() {
    return this.heard === 0 ? null : this.bytes / this.heard;
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}
