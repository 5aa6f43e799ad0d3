// Marks on the lines of the log: how an answer differs from what was sent, and the known deviation that explains it.
import { byteLength, textOf } from "./payload.js";
import { PATIENCE } from "./verify.js";
import { formatSize } from "../shared/format.js";

/** @typedef {import("./payload.js").Data} Data */
/** @typedef {import("./verify.js").Finding} Finding */
/** @typedef {import("../shared/target.js").Target} Target */
/** @typedef {import("../shared/catalog.js").Deviation} Deviation */
/** @typedef {import("../i18n/i18n.js").Message} Message */
/**
 * @typedef {object} Mark
 * @property {Exclude<Finding["how"], "echoed"> | "code"} how
 * @property {boolean} wrong whether a promise is broken: an endpoint of one's own has not promised an echo
 * @property {Message} text
 * @property {Deviation | null} known the known deviation that explains it
 * @property {Data | null} sent what it is an answer to, where it is another
 * @property {string | null} naive what the catalog says of the naive handler, where that is the cause
 */

/** Told from each other without a colour. @type {Record<Mark["how"], string>} */
export const SYMBOLS = { same: "✓", type: "≠", cut: "≠", altered: "≠", unasked: "+", none: "∅", ended: "∅", code: "≠" };

const FRAGMENTED = 64 * 1024; // bytes of a message that a browser may send in fragments
const FREE_CODES = [1000, 1001, 1005]; // a server may answer any close with one of these: RFC 6455, section 5.5.1

/**
 * @param {Finding} finding
 * @param {Data} data of the message that the mark is put on
 * @param {Target} target
 * @returns {Mark | null} null of a message that was sent, whose echo tells how it went
 */
export function markOf(finding, data, target) {
  const { how } = finding;
  if (how === "echoed") return null;
  const sent = "sent" in finding ? finding.sent : data;
  if (how === "same") return { how, wrong: false, text: { key: "mark.same" }, sent: null, known: null, naive: null };
  const wrong = target.service !== null;
  const cause = causeOf(target, checksFor(how, sent, target));
  const answered = "sent" in finding ? finding.sent : null;
  return { how, wrong, text: textFor(how, sent, data, wrong), sent: answered, ...cause };
}

/**
 * @param {number | null} asked the code that the page closed with; null where it did not
 * @param {number | null} code the code that the connection was closed with
 * @param {Target} target
 * @returns {Mark | null} null where there is nothing to say
 */
export function markOfClose(asked, code, target) {
  if (asked === null || code === null || code === asked) return null;
  const wrong = target.service !== null && !FREE_CODES.includes(code);
  const cause = wrong
    ? causeOf(target, ["close-code", "close-long-reason", "close-normal"])
    : { known: null, naive: null };
  return { how: "code", wrong, text: { key: "mark.code", params: { code, asked } }, sent: null, ...cause };
}

/** @param {Mark["how"]} how @param {Data} sent @param {Data} data @param {boolean} promised @returns {Message} */
function textFor(how, sent, data, promised) {
  if (how === "type") return { key: typeof sent === "string" ? "mark.binaryForText" : "mark.textForBinary" };
  if (how === "none") return { key: "mark.none", params: { seconds: PATIENCE / 1000 } };
  if (how === "ended") return { key: "mark.ended" };
  const params = how === "cut" ? { size: formatSize(byteLength(data)), all: formatSize(byteLength(sent)) } : undefined;
  return { key: promised ? `mark.${how}` : `mark.own.${how}`, params };
}

/**
 * The checks that ask for what went wrong, the most particular first.
 * @param {Mark["how"]} how @param {Data} sent @param {Target} target @returns {string[]}
 */
function checksFor(how, sent, { service }) {
  if (how === "unasked") return ["phantom-burst", "phantom-idle", "duplicates", "cross-talk"];
  const isText = typeof sent === "string";
  if (sent.length === 0) return isText ? ["empty-message"] : ["empty-binary", "binary"];
  if (how === "type")
    return isText ? ["text"] : textOf(sent) === null ? ["binary-bytes", "binary"] : ["binary", "binary-bytes"];
  const size = byteLength(sent);
  const limit = service?.limits.max_message ?? Infinity;
  if (size > limit) return ["message-limit", "fragments-limit"];
  const small = isText ? ["text", "unicode", "verbatim"] : ["binary-bytes", "binary"];
  if (size <= FRAGMENTED) return small;
  return ["large-message", isText ? "fragments" : "fragments-binary", "fragments", ...small];
}

/** @param {Target} target @param {string[]} checks @returns {Pick<Mark, "known" | "naive">} */
function causeOf({ service, naive }, checks) {
  if (service === null) return { known: null, naive: null };
  if (naive) return { known: null, naive: service.naive?.summary ?? null };
  const byProxy = service.known.filter(({ via }) => via !== "direct"); // the page's own way
  const found = checks.map((check) => byProxy.find((known) => known.checks.includes(check))).find(Boolean);
  return { known: found ?? null, naive: null };
}
