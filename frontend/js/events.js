// Server-Sent Events (HTML, section 9.2) behind the same small interface as client.js. Loaded only for an endpoint that
// speaks them. By fetch, since an EventSource does not tell a page why it failed.

const MOST = 16 * 1024 * 1024; // characters of one event
const LINE = /\r\n|\r|\n/;

/**
 * Events only come; nothing can be sent.
 * @param {string} url
 * @param {string[]} _protocols
 * @param {import("./client.js").Handlers} on
 * @returns {import("./client.js").Connection}
 */
export function connect(url, _protocols, on) {
  const controller = new AbortController();
  hear(url, controller.signal, on);
  return {
    send() {},
    sendObject() {},
    close: () => controller.abort(),
    waiting: 0,
  };
}

/** @param {string} url @param {AbortSignal} signal @param {import("./client.js").Handlers} on */
async function hear(url, signal, on) {
  const ended = (/** @type {string} */ reason, clean = false) => on.close({ code: null, reason, clean });
  try {
    const { address, headers } = withoutCredentials(url);
    const response = await fetch(address, { headers, signal, cache: "no-store" });
    const type = response.headers.get("content-type") ?? "";
    if (!response.ok || !type.startsWith("text/event-stream") || response.body === null) {
      ended(
        response.ok
          ? `Content-Type “${type}”, not “text/event-stream”`
          : `HTTP ${response.status} ${response.statusText}`.trim(),
      );
      response.body?.cancel();
      return;
    }
    on.open({ protocol: "", extensions: null });
    const parser = new Parser(({ event, data }) => on.message(event === "message" ? data : [event, data]));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) parser.push(read.value);
    ended("the server ended the stream", true);
  } catch (error) {
    if (signal.aborted) ended("closed by the page", true);
    else {
      on.error();
      ended(/** @type {Error} */ (error).message);
    }
  }
}

/** A page may not fetch an address with a password in it, but may say it in a header. @param {string} url */
function withoutCredentials(url) {
  const address = new URL(url);
  const { username, password } = address;
  address.username = address.password = "";
  /** @type {Record<string, string>} */
  const headers = { Accept: "text/event-stream" };
  if (username !== "" || password !== "") {
    const bytes = new TextEncoder().encode(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    headers.Authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
  }
  return { address: address.href, headers };
}

/** Reads a stream of events, however it is cut into pieces. Throws RangeError where one is too long. */
export class Parser {
  #rest = "";
  /** @type {string[]} */
  #data = [];
  #size = 0;
  #event = "";
  #first = true;

  /** @param {(said: { event: string, data: string }) => void} say is told each event */
  constructor(say) {
    this.say = say;
  }

  /** @param {string} text the next piece */
  push(text) {
    this.#rest += text;
    if (this.#first && this.#rest !== "") {
      this.#rest = this.#rest.replace(/^\ufeff/, "");
      this.#first = false;
    }
    const held = this.#rest.endsWith("\r") ? "\r" : ""; // a line feed that belongs to it may come
    const lines = this.#rest.slice(0, this.#rest.length - held.length).split(LINE);
    this.#rest = lines.pop() + held;
    for (const line of lines) this.#line(line);
    if (this.#rest.length + this.#size > MOST) throw new RangeError(`an event of more than ${MOST} characters`);
  }

  /** @param {string} line */
  #line(line) {
    if (line === "") {
      if (this.#data.length > 0) this.say({ event: this.#event || "message", data: this.#data.join("\n") });
      this.#data = [];
      this.#event = "";
      this.#size = 0;
      return;
    }
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") {
      this.#data.push(value);
      this.#size += value.length;
    } else if (name === "event") this.#event = value;
  }
}
