// One pane's conversation: a connection, the log of all that was said over it, and how long the echo took.
import { closeCode } from "./close-codes.js";
import { Link } from "../shared/link.js";
import { MessageLog } from "./log.js";
import { Pairing } from "./rtt.js";

/** @typedef {import("./payload.js").Data} Data */
/** @typedef {import("../shared/target.js").Target} Target */

const SPARKLINE = 120;

/** Fires "state" when the connection changes, and "log" when the log does. */
export class Conversation extends Link {
  log = new MessageLog();
  /** @type {number[]} the latest round-trip times, in milliseconds */
  rtts = [];
  /** @type {Pairing<import("./log.js").Entry>} */
  #pairing = new Pairing();

  /** @param {Data} data */
  send(data) {
    const { connection } = this;
    if (connection === null) return;
    const entry = this.log.message("sent", data);
    this.#pairing.sent(data, performance.now(), entry);
    connection.send(data);
    this.#logged();
  }

  clear() {
    this.log.clear();
    this.rtts = [];
    this.#logged();
  }

  get #title() {
    return /** @type {Target} */ (this.target).title;
  }

  /** @override @param {string} protocol */
  onOpen(protocol) {
    const { title, url } = /** @type {Target} */ (this.target);
    const notes = [{ key: "log.open", params: { title, url } }];
    if (protocol !== "") notes.push({ key: "log.protocol", params: { title, url: protocol } });
    this.log.event("open", notes, { title, url, protocol });
    this.#logged();
  }

  /** @override @param {import("../client.js").Incoming} incoming */
  onMessage(incoming) {
    const data = typeof incoming === "string" ? incoming : new Uint8Array(/** @type {ArrayBuffer} */ (incoming));
    const pair = this.#pairing.received(data, performance.now());
    const entry = this.log.message("received", data);
    if (pair !== null) {
      entry.rtt = pair.item.rtt = pair.rtt;
      this.rtts.push(pair.rtt);
      if (this.rtts.length > SPARKLINE) this.rtts.shift();
    }
    this.#logged();
  }

  /** @override */
  onError() {
    const { title, url } = /** @type {Target} */ (this.target);
    const key = this.state === "connecting" ? "log.refused" : "log.broken";
    this.log.event("error", [{ key, params: { title } }], { title, url });
    this.#logged();
  }

  /** @override @param {import("../client.js").Closed} closed */
  onClose({ code, reason, clean }) {
    const title = this.#title;
    this.log.event("close", closeNotes(title, code, reason, clean), { title, code, reason, clean });
    this.#logged();
  }

  /** @override */
  onGone() {
    this.#pairing.reset();
  }

  /** @override @param {number} wait */
  onRetry(wait) {
    const params = { seconds: (wait / 1000).toFixed(1), attempt: this.attempt };
    this.log.event("reconnect", [{ key: "log.reconnect", params }], { wait, attempt: this.attempt });
    this.#logged();
  }

  /** @override */
  onLeftBehind() {
    const title = this.#title;
    this.log.event("error", [{ key: "log.abandoned", params: { title } }], { title });
    this.#logged();
  }

  /** @override @param {string} detail */
  onForbidden(detail) {
    const params = { title: this.#title, detail };
    this.log.event("error", [{ key: "log.forbidden", params }], params);
    this.#logged();
  }

  #logged() {
    this.dispatchEvent(new Event("log"));
  }
}

/**
 * @param {string} title @param {number | null} code @param {string} reason @param {boolean} clean
 * @returns {import("../i18n/i18n.js").Message[]}
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
