// A connection that comes back: what the echo and the chat room have in common.
import * as websocket from "../client.js";
import { again } from "./again.js";
import { backoff } from "./backoff.js";

/** @typedef {import("./target.js").Target} Target */
/** @typedef {"disconnected" | "connecting" | "connected" | "closing" | "waiting"} State */

const STEADY = 5000; // a connection that held for so long starts the backoff anew
const PATIENCE = 2000; // how long leaving waits for the socket to close

/** Fires "state" when the connection changes. Who extends it says what to do with what happens: the methods at the end. */
export class Link extends EventTarget {
  /** @type {State} */
  state = "disconnected";
  /** @type {Target | null} what it is, was or will be connected to */
  target = null;
  protocol = "";
  reconnects = true;
  attempt = 0;
  retryAt = 0;

  /** @type {string[]} the subprotocols that are offered */
  protocols = [];
  /** @type {websocket.Connection | null} */
  #connection = null;
  #wanted = false;
  #turn = 0; // counts the attempts to open
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #steady;

  /** @param {Target} target @param {string[]} [protocols] */
  connect(target, protocols = []) {
    this.target = target;
    this.protocols = protocols;
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
    const connection = this.#connection;
    if (connection === null) return;
    await new Promise((resolve) => {
      this.addEventListener("state", resolve, { once: true });
      setTimeout(resolve, PATIENCE);
    });
    if (this.#connection !== connection) return;
    this.onLeftBehind();
    this.#abandon();
    this.#become("disconnected");
  }

  /** The stack is up again: no need to wait for the rest of the backoff. */
  hurry() {
    if (this.state === "waiting") this.#open();
  }

  /** Says no more to the present socket, which may be dead without knowing, and tries with another. */
  startOver() {
    const connection = this.#connection;
    if (connection === null || !this.#wanted) return;
    this.#abandon();
    connection.close(1000, "");
    this.#retry(false);
  }

  /** @param {boolean} on */
  setReconnects(on) {
    this.reconnects = on;
    if (!on && this.state === "waiting") this.disconnect();
    this.#changed();
  }

  /** Bytes handed to the browser that have not left it yet. */
  get waiting() {
    return this.#connection?.waiting ?? 0;
  }

  /** What is connected, if anything is. @protected */
  get connection() {
    return this.state === "connected" ? this.#connection : null;
  }

  async #open() {
    clearTimeout(this.#timer);
    const { target } = this;
    if (target === null) return;
    this.#become("connecting");
    const turn = ++this.#turn;
    const client = await clientOf(target).catch(() => null);
    if (this.state !== "connecting" || this.#turn !== turn) return; // changed its mind meanwhile
    if (client === null) {
      this.onError();
      this.#closed({ code: 1006, reason: "", clean: false });
      return;
    }

    /** @param {(...values: any[]) => void} handler */
    const whileCurrent =
      (handler) =>
      (/** @type {any[]} */ ...values) => {
        if (this.#connection === connection) handler.apply(this, values);
      };
    /** @type {websocket.Connection} */
    let connection;
    try {
      connection = client.connect(this.address(target), this.protocols, {
        open: whileCurrent(this.#opened),
        message: whileCurrent(this.onMessage),
        error: whileCurrent(this.onError),
        close: whileCurrent(this.#closed),
      });
    } catch (error) {
      // What the page's own checks let pass and this browser still refuses.
      this.onForbidden(/** @type {Error} */ (error).message);
      this.disconnect();
      return;
    }
    this.#connection = connection;
  }

  /** @param {websocket.Opened} opened */
  #opened(opened) {
    this.protocol = opened.protocol;
    this.#steady = setTimeout(() => (this.attempt = 0), STEADY);
    this.onOpen(opened);
    this.#become("connected");
  }

  /** @param {websocket.Closed} closed */
  #closed(closed) {
    this.#abandon();
    const soon = this.onClose(closed);
    if (this.#wanted && this.reconnects && !this.givesUp()) {
      this.#retry(soon === "at once");
    } else {
      this.#wanted = false;
      this.#become("disconnected");
    }
  }

  /** Nothing that the present connection says matters any more. */
  #abandon() {
    clearTimeout(this.#steady);
    this.#connection = null;
    this.protocol = "";
    this.onGone();
  }

  /** @param {boolean} atOnce */
  #retry(atOnce) {
    this.attempt++;
    const wait = atOnce ? 0 : backoff(this.attempt);
    this.retryAt = Date.now() + wait;
    this.#timer = setTimeout(() => this.#open(), wait);
    this.onRetry(wait);
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

  /** Where to connect this time. @protected @param {Target} target */
  address(target) {
    return target.url;
  }

  /** @protected @param {websocket.Opened} _opened what was agreed on */
  onOpen(_opened) {}

  /** @protected @param {websocket.Incoming} _data */
  onMessage(_data) {}

  /** Asked when a connection that is wanted has ended. @protected @returns {boolean} whether to try no more */
  givesUp() {
    return false;
  }

  /** It could not be opened, or broke. @protected */
  onError() {}

  /** @protected @param {websocket.Closed} _closed @returns {"at once" | void} whether to try again with no delay */
  onClose(_closed) {}

  /** The socket is no more, for whatever reason. @protected */
  onGone() {}

  /** @protected @param {number} _wait milliseconds until the next attempt */
  onRetry(_wait) {}

  /** It did not close in time. @protected */
  onLeftBehind() {}

  /** @protected @param {string} _detail why the browser would not even try */
  onForbidden(_detail) {}
}

/** @param {Target} target */
async function clientOf({ service, protocol }) {
  const spoken = service?.protocol ?? protocol;
  if (spoken === "socket.io") return again(() => import("../socketio.js"));
  if (spoken === "events") return again(() => import("../events.js"));
  return websocket;
}
