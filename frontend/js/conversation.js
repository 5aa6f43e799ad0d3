// One pane's conversation: a connection that comes back, and the log of all that was said over it.
import * as websocket from "./client.js";
import { backoff } from "./backoff.js";
import { closeCode } from "./close-codes.js";
import { MessageLog } from "./log.js";
import { Pairing } from "./rtt.js";

/** @typedef {import("./payload.js").Data} Data */
/** @typedef {import("./address.js").Target} Target */
/** @typedef {"disconnected" | "connecting" | "connected" | "closing" | "waiting"} State */

const STEADY = 5000; // a connection that held for so long starts the backoff anew
const PATIENCE = 2000; // how long a switch waits for the old socket to close
const SPARKLINE = 120;

/** Fires "state" when the connection changes, and "log" when the log does. */
export class Conversation extends EventTarget {
  log = new MessageLog();
  /** @type {State} */
  state = "disconnected";
  /** @type {Target | null} what it is, was or will be connected to */
  target = null;
  protocol = "";
  reconnects = true;
  attempt = 0;
  retryAt = 0;
  /** @type {number[]} the latest round-trip times, in milliseconds */
  rtts = [];

  /** @type {string[]} */
  #protocols = [];
  /** @type {websocket.Connection | null} */
  #connection = null;
  /** @type {Pairing<import("./log.js").Entry>} */
  #pairing = new Pairing();
  #wanted = false;
  #timer = 0;
  #steady = 0;

  /** @param {Target} target @param {string[]} protocols */
  connect(target, protocols) {
    this.target = target;
    this.#protocols = protocols;
    this.#wanted = true;
    this.attempt = 0;
    this.#open();
  }

  /** @param {number} [code] @param {string} [reason] */
  disconnect(code = 1000, reason = "") {
    this.#wanted = false;
    clearTimeout(this.#timer);
    if (this.#connection === null) {
      this.#become("disconnected");
    } else if (this.state !== "closing") {
      this.#become("closing");
      this.#connection.close(code, reason);
    }
  }

  /** Closes with 1000 and waits until that is done, or for as long as is polite. */
  async leave() {
    this.disconnect();
    if (this.#connection === null) return;
    await new Promise((resolve) => {
      this.addEventListener("state", resolve, { once: true });
      setTimeout(resolve, PATIENCE);
    });
    if (this.#connection === null) return;
    const { title } = /** @type {Target} */ (this.target);
    this.log.event("error", [{ key: "log.abandoned", params: { title } }], { title });
    this.#abandon();
    this.#become("disconnected");
    this.#logged();
  }

  /** The stack is up again: no need to wait for the rest of the backoff. */
  hurry() {
    if (this.state === "waiting") this.#open();
  }

  /** @param {boolean} on */
  setReconnects(on) {
    this.reconnects = on;
    if (!on && this.state === "waiting") this.disconnect();
    this.#changed();
  }

  /** @param {Data} data */
  send(data) {
    if (this.state !== "connected" || this.#connection === null) return;
    const entry = this.log.message("sent", data);
    this.#pairing.sent(data, performance.now(), entry);
    this.#connection.send(data);
    this.#logged();
  }

  /** Bytes handed to the browser that have not left it yet. */
  get waiting() {
    return this.#connection?.waiting ?? 0;
  }

  clear() {
    this.log.clear();
    this.rtts = [];
    this.#logged();
  }

  async #open() {
    clearTimeout(this.#timer);
    const { target } = this;
    if (target === null) return;
    this.#become("connecting");
    const { connect } = target.service?.protocol === "socket.io" ? await import("./socketio.js") : websocket;
    if (this.state !== "connecting" || this.target !== target) return; // changed its mind meanwhile

    /** @param {(...values: any[]) => void} handler */
    const whileCurrent = (handler) => (/** @type {any[]} */ ...values) => {
      if (this.#connection === connection) handler.apply(this, values);
    };
    /** @type {websocket.Connection} */
    let connection;
    try {
      connection = connect(target.url, this.#protocols, {
        open: whileCurrent(this.#opened),
        message: whileCurrent(this.#received),
        error: whileCurrent(this.#failed),
        close: whileCurrent(this.#closed),
      });
    } catch (error) {
      // What the page's own checks let pass and this browser still refuses.
      const params = { title: target.title, detail: /** @type {Error} */ (error).message };
      this.log.event("error", [{ key: "log.forbidden", params }], params);
      this.disconnect();
      this.#logged();
      return;
    }
    this.#connection = connection;
  }

  /** @param {websocket.Opened} opened */
  #opened({ protocol }) {
    const { title, url } = /** @type {Target} */ (this.target);
    this.protocol = protocol;
    this.#steady = window.setTimeout(() => (this.attempt = 0), STEADY);
    const notes = [{ key: "log.open", params: { title, url } }];
    if (protocol !== "") notes.push({ key: "log.protocol", params: { title, url: protocol } });
    this.log.event("open", notes, { title, url, protocol });
    this.#become("connected");
    this.#logged();
  }

  /** @param {string | ArrayBuffer} raw */
  #received(raw) {
    const data = typeof raw === "string" ? raw : new Uint8Array(raw);
    const pair = this.#pairing.received(data, performance.now());
    const entry = this.log.message("received", data);
    if (pair !== null) {
      entry.rtt = pair.item.rtt = pair.rtt;
      this.rtts.push(pair.rtt);
      if (this.rtts.length > SPARKLINE) this.rtts.shift();
    }
    this.#logged();
  }

  #failed() {
    const { title, url } = /** @type {Target} */ (this.target);
    const key = this.state === "connecting" ? "log.refused" : "log.broken";
    this.log.event("error", [{ key, params: { title } }], { title, url });
    this.#logged();
  }

  /** @param {websocket.Closed} closed */
  #closed({ code, reason, clean }) {
    const { title } = /** @type {Target} */ (this.target);
    this.#abandon();
    this.log.event("close", closeNotes(title, code, reason, clean), { title, code, reason, clean });
    if (this.#wanted && this.reconnects) {
      this.#retry();
    } else {
      this.#wanted = false;
      this.#become("disconnected");
    }
    this.#logged();
  }

  /** Nothing that the present connection says matters any more. */
  #abandon() {
    clearTimeout(this.#steady);
    this.#connection = null;
    this.#pairing.reset();
    this.protocol = "";
  }

  #retry() {
    this.attempt++;
    const wait = backoff(this.attempt);
    this.retryAt = Date.now() + wait;
    this.#timer = window.setTimeout(() => this.#open(), wait);
    const params = { seconds: (wait / 1000).toFixed(1), attempt: this.attempt };
    this.log.event("reconnect", [{ key: "log.reconnect", params }], { wait, attempt: this.attempt });
    this.#become("waiting");
  }

  /** @param {State} state */
  #become(state) {
    this.state = state;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("state"));
  }

  #logged() {
    this.dispatchEvent(new Event("log"));
  }
}

/**
 * @param {string} title @param {number | null} code @param {string} reason @param {boolean} clean
 * @returns {import("./i18n.js").Message[]}
 */
function closeNotes(title, code, reason, clean) {
  const cleanliness = { key: clean ? "log.clean" : "log.notClean" };
  if (code === null) return [{ key: "log.closeReason", params: { title, reason } }, cleanliness, { key: "log.noCode" }];
  const { name, key } = closeCode(code);
  return [
    { key: "log.close", params: { title, code, name: name && ` ${name}` } },
    reason === "" ? { key: "log.noReason" } : { key: "log.reason", params: { reason } },
    cleanliness,
    { key, params: { code } },
  ];
}
