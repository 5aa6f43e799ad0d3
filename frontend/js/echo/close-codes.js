// What a WebSocket close code means: RFC 6455, section 7.4, and the IANA registry that it founded.

/** @type {Record<number, string>} the names that the registry gives */
const NAMES = {
  1000: "Normal Closure",
  1001: "Going Away",
  1002: "Protocol error",
  1003: "Unsupported Data",
  1004: "Reserved",
  1005: "No Status Rcvd",
  1006: "Abnormal Closure",
  1007: "Invalid frame payload data",
  1008: "Policy Violation",
  1009: "Message Too Big",
  1010: "Mandatory Ext.",
  1011: "Internal Error",
  1012: "Service Restart",
  1013: "Try Again Later",
  1014: "Bad Gateway",
  1015: "TLS handshake",
  3000: "Unauthorized",
  3003: "Forbidden",
  3008: "Timeout",
};

/**
 * What is known of the connection.
 * @typedef {{ opened: boolean, kinds: ReadonlySet<string> }} Circumstances  whether it was ever open, and the kinds of
 * the messages that the page sent over it
 */

/**
 * @param {number} code
 * @param {Circumstances} circumstances
 * @returns {{ name: string, key: string }} the registered name ("" if none) and the key of the sentence about it
 */
export function closeCode(code, { opened, kinds }) {
  const name = NAMES[code];
  if (code === 1006 && !opened) return { name, key: "close.1006.neverOpened" };
  if (code === 1003 && kinds.size === 1) return { name, key: `close.1003.${kinds.has("text") ? "text" : "binary"}` };
  if (name !== undefined) return { name, key: `close.${code}` };
  if (code < 1000) return { name: "", key: "close.unused" };
  if (code < 3000) return { name: "", key: "close.unassigned" };
  if (code < 4000) return { name: "", key: "close.registered" };
  if (code < 5000) return { name: "", key: "close.private" };
  return { name: "", key: "close.invalid" };
}

/**
 * The codes and reasons that a page may close with, checked before the browser would throw.
 * @param {string} code as typed; empty means 1000
 * @param {string} reason
 * @returns {{ code: number, reason: string } | { field: "code" | "reason", error: import("../i18n/i18n.js").Message }}
 */
export function checkClose(code, reason) {
  const number = code.trim() === "" ? 1000 : Number(code);
  if (number !== 1000 && !(Number.isInteger(number) && number >= 3000 && number <= 4999)) {
    return { field: "code", error: { key: "error.closeCode", params: { code } } };
  }
  const size = new TextEncoder().encode(reason).length;
  if (size > 123) return { field: "reason", error: { key: "error.closeReason", params: { size } } };
  return { code: number, reason };
}
