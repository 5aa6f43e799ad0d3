// One pane's conversation: a connection, the log of all that was said over it, and what became of each echo.
import { closeCode } from "./close-codes.js";
import { Link } from "../shared/link.js";
import { formatDuration } from "../shared/format.js";
import { maskPassword } from "../shared/target.js";
import { MessageLog } from "./log.js";
import { markOf, markOfClose } from "../verify/marks.js";
import { PATIENCE, Verifier } from "../verify/verify.js";

/** @typedef {import("../verify/payload.js").Data} Data */
/** @typedef {import("./log.js").Entry} Entry */
/** @typedef {import("../verify/marks.js").Mark} Mark */
/** @typedef {import("../shared/target.js").Target} Target */
/** @typedef {{ sent: number, received: number, rtts: number[], marks: Partial<Record<Mark["how"], number>> }} Tally */

const MOST_RTTS = 1000;
const MOST_TRIES = 5; // of an address that has never answered
const MINUTE = { least: 59_000, most: 66_000 }; // milliseconds in which a time-out of 60 s shows

/** @returns {Tally} */
const nothingYet = () => ({ sent: 0, received: 0, rtts: [], marks: {} });

/** Fires "state" when the connection changes, and "log" when the log does. */
export class Conversation extends Link {
  log = new MessageLog();
  /** What is counted and timed of the present connection, or of the last one: the latest round-trip times, in milliseconds. */
  tally = nothingYet();
  #verifier = new Verifier((/** @type {Entry} */ entry, finding) => this.#found(entry, finding));
  /** @type {ReturnType<typeof setTimeout> | undefined} until a message has waited for long */
  #patience;
  /** @type {number | null} when this connection came about, in milliseconds; null where it did not */
  #opened = null;
  #reached = false; // whether a connection came about since somebody asked for one
  #heard = 0; // when the last message came over it
  /** @type {number | null} the code that the page closes with */
  #asked = null;
  /** @type {Set<Entry["kind"]>} the kinds of what was sent over this connection */
  #kinds = new Set();

  /** @override @param {Target} target @param {string[]} [protocols] */
  connect(target, protocols = []) {
    this.#reached = false;
    super.connect(target, protocols);
  }

  /** An address that somebody typed may be wrong; a stack of the lab is down for a while. @override */
  givesUp() {
    const { service, title } = this.#target;
    if (service !== null || this.#reached || this.attempt + 1 < MOST_TRIES) return false;
    this.log.event("error", [{ key: "log.gaveUp", params: { title, tries: MOST_TRIES } }], { title });
    this.#logged();
    return true;
  }

  /** @override @param {number} [code] @param {string} [reason] */
  disconnect(code = 1000, reason = "") {
    if (this.state === "connected") this.#asked = code;
    super.disconnect(code, reason);
  }

  /** @param {Data} data */
  send(data) {
    const { connection } = this;
    if (connection === null) return;
    const sent = typeof data === "string" ? wellFormed(data) : data;
    const entry = this.log.message("sent", sent);
    this.tally.sent++;
    this.#kinds.add(entry.kind);
    this.#verifier.sent(sent, performance.now(), entry);
    this.#patience ??= setTimeout(() => this.#expire(), PATIENCE);
    connection.send(sent);
    this.#logged();
  }

  clear() {
    this.log.clear();
    this.tally = nothingYet();
    this.#logged();
  }

  /** What was exported once is shown again, and counts for nothing. @param {string} name of the file @param {import("./import.js").Imported[]} entries */
  restore(name, entries) {
    this.log.event("import", [{ key: "log.imported", params: { name, count: entries.length } }], { name });
    this.log.restore(entries);
    this.#logged();
  }

  /** What was counted and timed is of a connection that is not talked about any more. */
  startTally() {
    this.tally = nothingYet();
    this.#logged();
  }

  get #target() {
    return /** @type {Target} */ (this.target);
  }

  /** Whether nothing can be sent over it. */
  get oneWay() {
    return this.target?.protocol === "events";
  }

  get #title() {
    return this.#target.title;
  }

  /** @override @param {import("../client.js").Opened} opened */
  onOpen({ protocol, extensions }) {
    const { title } = this.#target;
    const url = maskPassword(this.#target.url);
    /** @type {import("../i18n/i18n.js").Message[]} */
    const notes = [{ key: "log.open", params: { title, url } }];
    if (protocol !== "") notes.push({ key: "log.protocol", params: { title, url: protocol } });
    if (extensions !== null) notes.push(extensionsNote(extensions));
    this.#opened = this.#heard = performance.now();
    this.#reached = true;
    this.tally = nothingYet();
    const offered = this.protocols.join(", ");
    this.log.event("open", notes, { title, url, protocol, extensions, offered });
    this.#logged();
  }

  /** @override @param {import("../client.js").Incoming} incoming */
  onMessage(incoming) {
    const data = dataOf(incoming);
    const entry = this.log.message("received", data);
    this.tally.received++;
    this.#heard = performance.now();
    this.#verifier.received(data, this.#heard, entry);
    this.#logged();
  }

  /** @param {Entry} entry @param {import("../verify/verify.js").Finding} finding */
  #found(entry, finding) {
    const { marks, rtts } = this.tally;
    if (entry.mark !== null) marks[entry.mark.how] = (marks[entry.mark.how] ?? 1) - 1;
    entry.mark = markOf(finding, entry.data, this.#target);
    if (entry.mark !== null) marks[entry.mark.how] = (marks[entry.mark.how] ?? 0) + 1;
    if (finding.how !== "echoed" && finding.how !== "same" && finding.how !== "type") return;
    entry.rtt = finding.rtt;
    if (finding.how === "echoed") return;
    rtts.push(finding.rtt);
    if (rtts.length > MOST_RTTS) rtts.shift();
  }

  #expire() {
    const now = performance.now();
    const next = this.#verifier.expire(now);
    this.#patience = next === null ? undefined : setTimeout(() => this.#expire(), next - now);
    this.#logged();
  }

  /** @override */
  onError() {
    const { title, url } = this.#target;
    const offered = this.protocols.join(", ");
    const events = this.oneWay ? "log.refusedEvents" : "log.refused";
    const refused = offered === "" ? events : "log.refusedOffered";
    const key = this.state === "connecting" ? refused : "log.broken";
    this.log.event("error", [{ key, params: { title, offered } }], { title, url: maskPassword(url) });
    this.#logged();
  }

  /** @override @param {import("../client.js").Closed} closed */
  onClose({ code, reason, clean }) {
    const title = this.#title;
    const opened = this.#opened !== null;
    const notes = closeNotes(title, code, reason, clean, { opened, kinds: this.#kinds, oneWay: this.oneWay });
    const lived = this.#opened === null ? null : Math.round(performance.now() - this.#opened);
    if (lived !== null)
      notes.push({ key: "log.lived", params: { time: formatDuration(lived) } }, ...this.#silenceNote());
    const entry = this.log.event("close", notes, { title, code, reason, clean, lived });
    entry.mark = markOfClose(this.#asked, code, this.#target);
    this.#forget();
    this.#logged();
  }

  /** @override */
  onGone() {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#verifier.end();
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
    this.#forget();
    this.#logged();
  }

  /** @override @param {string} detail */
  onForbidden(detail) {
    const { title, url } = this.#target;
    const params = { title, detail: detail.replaceAll(url, maskPassword(url)) };
    this.log.event("error", [{ key: "log.forbidden", params }], params);
    this.#logged();
  }

  /** What may have ended a connection that nothing came over for a minute, if the page did not. */
  #silenceNote() {
    const silent = performance.now() - this.#heard;
    if (this.#asked !== null || silent < MINUTE.least || silent > MINUTE.most) return [];
    return [{ key: "log.silent", params: { time: formatDuration(silent) } }];
  }

  /** The next connection is another. */
  #forget() {
    this.#opened = null;
    this.#asked = null;
    this.#kinds.clear();
  }

  #logged() {
    this.dispatchEvent(new Event("log"));
  }
}

/**
 * What the browser makes of a text before it sends it: a half of a character (a lone surrogate) becomes U+FFFD.
 * @param {string} text
 */
function wellFormed(text) {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

/** @param {import("../client.js").Incoming} incoming @returns {Data} */
function dataOf(incoming) {
  if (typeof incoming === "string") return incoming;
  return incoming instanceof ArrayBuffer ? new Uint8Array(incoming) : JSON.stringify(incoming);
}

/** @param {string} extensions @returns {import("../i18n/i18n.js").Message} */
function extensionsNote(extensions) {
  return extensions === "" ? { key: "log.noExtensions" } : { key: "log.extensions", params: { extensions } };
}

/**
 * @param {string} title @param {number | null} code @param {string} reason @param {boolean} clean
 * @param {import("./close-codes.js").Circumstances & { oneWay: boolean }} circumstances
 * @returns {import("../i18n/i18n.js").Message[]}
 */
function closeNotes(title, code, reason, clean, circumstances) {
  const cleanliness = { key: clean ? "log.clean" : "log.notClean" };
  if (code === null && circumstances.oneWay && !circumstances.opened)
    return [{ key: "log.neverOpened", params: { title, code: reason, name: "" } }];
  const noCode = { key: circumstances.oneWay ? "log.noCodeEvents" : "log.noCode" };
  if (code === null) return [{ key: "log.closeReason", params: { title, reason } }, cleanliness, noCode];
  const { name, key } = closeCode(code, circumstances);
  const params = { title, code, name: name && ` ${name}` };
  if (!circumstances.opened)
    return [
      { key: "log.neverOpened", params },
      { key, params: { code } },
    ];
  return [
    { key: "log.close", params },
    reason === "" ? { key: "log.noReason" } : { key: "log.reason", params: { reason } },
    cleanliness,
    { key, params: { code } },
  ];
}
