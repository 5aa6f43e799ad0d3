// Four ways to hear the same room. Each goes on where it was after a break: nothing is lost, and nothing heard twice.
import { backoff } from "../shared/backoff.js";
import { Link } from "../shared/link.js";

/** @typedef {import("./hearing.js").Hearing} Hearing */
/** @typedef {import("./hearing.js").Said} Said */
/** @typedef {import("../shared/target.js").Target} Target */
/** @typedef {"poll" | "long-poll" | "events" | "websocket"} Transport */
/** @typedef {{ start(after: string): void, stop(): void, changePace?(): void }} Listener */

/** How long the server may hold a long poll, in seconds. */
const HELD = 25;
/** How long a poll may take beyond that, in milliseconds. */
const PATIENCE = 10_000;
/** What Resource Timing counts for the headers of a response, whatever they are (Resource Timing, transferSize). */
const HEADERS = 300;
const ID = /^\d{1,19}-\d{1,19}$/;
const ENCODER = new TextEncoder();

/** Asks again and again: each so many seconds, or, where the server holds the answer back, at once. */
class Polling {
  #address;
  #hearing;
  #every;
  #wait;
  #after = "";
  #known = ""; // the tag of the answer that it has
  /** @type {AbortController | null} */
  #running = null;
  #hurry = () => {};

  /**
   * @param {string} address of the service's polls
   * @param {Hearing} hearing
   * @param {{ every?: () => number, wait?: number }} how seconds between polls, and seconds that the server may wait
   */
  constructor(address, hearing, { every = () => 0, wait = 0 }) {
    this.#address = address;
    this.#hearing = hearing;
    this.#every = every;
    this.#wait = wait;
  }

  /** @param {string} after */
  async start(after) {
    this.stop();
    this.#after = after;
    this.#known = "";
    const running = (this.#running = new AbortController());
    for (let attempt = 0; !running.signal.aborted;) {
      const begun = performance.now();
      attempt = (await this.#ask(running.signal)) ? 0 : attempt + 1;
      if (running.signal.aborted) return;
      do {
        const due = attempt === 0 ? this.#every() * 1000 : backoff(attempt);
        const left = begun + due - performance.now();
        if (left <= 0) break;
        await this.#pause(left, running.signal);
      } while (attempt === 0 && !running.signal.aborted);
    }
  }

  stop() {
    this.#running?.abort();
    this.#running = null;
    this.#hurry();
  }

  /** The seconds between polls are others now. */
  changePace() {
    this.#hurry();
  }

  /** @param {number} time milliseconds @param {AbortSignal} signal */
  async #pause(time, signal) {
    if (signal.aborted) return;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve(null);
      };
    });
  }

  /** @param {AbortSignal} signal @returns {Promise<boolean>} whether it was answered */
  async #ask(signal) {
    const query = new URLSearchParams({ after: this.#after, ...(this.#wait > 0 && { wait: String(this.#wait) }) });
    const span = this.#hearing.begin();
    try {
      const response = await fetch(`${this.#address}?${query}`, {
        headers: this.#known === "" ? {} : { "If-None-Match": `"${this.#known}"` },
        cache: "no-store",
        signal: AbortSignal.any([signal, AbortSignal.timeout(this.#wait * 1000 + PATIENCE)]),
      });
      if (response.status !== 200 && response.status !== 304) throw new Error(`${response.status}`);
      const messages = response.status === 304 ? [] : this.#read(await response.json());
      for (const message of messages) this.#hearing.hear(message);
      if (messages.length === 0) this.#hearing.empty++;
      this.#hearing.complain(null);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      this.#hearing.complain({ key: "push.failed", params: { detail: /** @type {Error} */ (error).message } });
      return false;
    } finally {
      this.#hearing.end(span);
    }
  }

  /** @param {any} answer @returns {Said[]} */
  #read({ after, messages }) {
    if (typeof after !== "string" || !ID.test(after) || !Array.isArray(messages))
      throw new Error("200, but no news of a room");
    this.#after = this.#known = after;
    return messages.filter(isSaid);
  }
}

/** Server-Sent Events: one answer that goes on. The browser itself connects again, from the last id that it got. */
class Events {
  #address;
  #hearing;
  /** @type {EventSource | null} */
  #source = null;
  /** @type {import("./hearing.js").Span | null} */
  #span = null;

  /** @param {string} address of the service's events @param {Hearing} hearing */
  constructor(address, hearing) {
    this.#address = address;
    this.#hearing = hearing;
  }

  /** @param {string} after */
  start(after) {
    this.stop();
    const source = (this.#source = new EventSource(`${this.#address}?${new URLSearchParams({ after })}`));
    const hearing = this.#hearing;
    this.#span = hearing.begin();
    source.addEventListener("open", () => {
      this.#span ??= hearing.begin();
      hearing.take(HEADERS);
      hearing.complain(null);
    });
    source.addEventListener("message", ({ data, lastEventId }) => {
      const said = parsed(data);
      // As it is on the wire: the field's name, and the empty line after it.
      hearing.take(ENCODER.encode(`${said ? `id: ${lastEventId}\n` : ""}data: ${data}\n\n`).length);
      if (said) hearing.hear(said);
    });
    source.addEventListener("error", () => {
      if (this.#source !== source) return;
      this.#end();
      hearing.complain({ key: "push.broken" });
      // It connects again by itself, but not after an answer that is no stream of events.
      if (source.readyState === EventSource.CLOSED)
        setTimeout(() => this.#source === source && this.start(after), 5000);
    });
  }

  stop() {
    this.#source?.close();
    this.#source = null;
    this.#end();
  }

  #end() {
    if (this.#span !== null) this.#hearing.end(this.#span);
    this.#span = null;
  }
}

/** The WebSocket, by which this page also says what it says. Fires "live" when it hears what is being said. */
export class Socket extends Link {
  #hearing;
  #target;
  #live = false;
  #after = "";
  #counts = false; // whether what comes was said since the start
  /** @type {import("./hearing.js").Span | null} */
  #span = null;

  /** @param {Target} target @param {Hearing} hearing */
  constructor(target, hearing) {
    super();
    this.#target = target;
    this.#hearing = hearing;
  }

  /** The latest message when it came into the room. */
  get after() {
    return this.#after || "0-0";
  }

  start() {
    this.#after = "";
    this.#counts = false;
    this.connect(this.#target);
  }

  stop() {
    this.disconnect();
  }

  /** @param {string} nick @param {string} text @returns {boolean} whether it went out */
  say(nick, text) {
    if (!this.#live) return false;
    this.connection?.sendObject({ nick, text });
    return true;
  }

  /** @override @param {Target} target */
  address({ url }) {
    return this.#after === "" ? url : `${url}?after=${this.#after}`;
  }

  /** @override */
  onOpen() {
    this.#span = this.#hearing.begin();
    this.#hearing.take(HEADERS);
  }

  /** @override @param {import("../client.js").Incoming} incoming */
  onMessage(incoming) {
    const told = typeof incoming === "string" ? parsed(incoming, true) : null;
    const size = typeof incoming === "string" ? ENCODER.encode(incoming).length : 0;
    if (this.#counts) this.#hearing.take(size + (size < 126 ? 2 : size < 65_536 ? 4 : 10));
    if (told === null) return;
    if (isSaid(told)) {
      this.#after = told.id;
      if (this.#counts) this.#hearing.hear(told);
    } else if (told.live === true) {
      this.#live = true;
      this.#hearing.complain(null);
      if (!this.#counts) {
        this.#counts = true;
        this.dispatchEvent(new Event("live"));
      }
    } else if (told.live === false) {
      this.#live = false;
    } else if (typeof told.error === "string") {
      this.#hearing.complain({ key: "push.failed", params: { detail: told.error.slice(0, 200) } });
    }
  }

  /** @override */
  onClose() {
    if (this.state !== "closing") this.#hearing.complain({ key: "push.broken" });
  }

  /** @override */
  onGone() {
    this.#live = false;
    if (this.#span !== null) this.#hearing.end(this.#span);
    this.#span = null;
  }
}

/**
 * Who listens by that transport. A WebSocket is made by itself, for by it one also speaks.
 * @param {Exclude<Transport, "websocket">} transport
 * @param {string} service
 * @param {Hearing} hearing
 * @param {() => number} every the seconds between polls
 * @returns {Polling | Events}
 */
export function listener(transport, service, hearing, every) {
  if (transport === "events") return new Events(`${service}/chat/events`, hearing);
  return new Polling(`${service}/chat/poll`, hearing, transport === "poll" ? { every } : { wait: HELD });
}

/** @param {string} text @param {boolean} [any] whether it may be something else than a message @returns {any} */
function parsed(text, any = false) {
  try {
    const told = JSON.parse(text);
    return isSaid(told) || (any && typeof told === "object" && told !== null) ? told : null;
  } catch {
    return null;
  }
}

/** @param {any} told @returns {told is Said} */
function isSaid(told) {
  return typeof told?.id === "string" && ID.test(told.id) && typeof told.text === "string";
}

/**
 * Counts the bytes of polls, as the browser tells them when they have ended.
 * @param {string} service
 * @param {(transport: Transport) => Hearing | undefined} hearingOf
 * @returns {PerformanceObserver} that observes until it is disconnected
 */
export function countBytes(service, hearingOf) {
  const observer = new PerformanceObserver((list) => {
    for (const entry of /** @type {PerformanceResourceTiming[]} */ (list.getEntries())) {
      const url = new URL(entry.name);
      if (!url.pathname.endsWith(`/${service}/chat/poll`)) continue;
      // An older browser tells no size of a response that had no body.
      const size = entry.transferSize || HEADERS + entry.encodedBodySize;
      hearingOf(url.searchParams.has("wait") ? "long-poll" : "poll")?.take(size);
    }
  });
  observer.observe({ type: "resource" });
  return observer;
}
