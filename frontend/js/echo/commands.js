// What a pane is about as commands of a shell: for headers, which a browser lets no page set.
import { withoutPassword } from "../shared/target.js";

/** @typedef {import("../shared/target.js").Target} Target */
/** @typedef {{ target: Target, protocols: string[], header: string }} Asked  protocols are the subprotocols */

/** @param {string} text @returns {string} one word of a POSIX shell */
export function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** @param {Asked} asked @returns {string | null} null where it cannot ask */
export function checkCommand({ target, protocols, header }) {
  const spoken = speaks(target);
  if (spoken === "events") return null;
  return [
    ".venv/bin/echowall",
    "check",
    ...(spoken === "socket.io" ? ["--protocol", "socket.io"] : []),
    ...protocols.flatMap((protocol) => ["--subprotocol", quoted(protocol)]),
    ...(header === "" ? [] : ["--header", quoted(header)]),
    quoted(withoutPassword(spoken === "socket.io" ? target.url.replace(/^http/, "ws") : target.url)),
  ].join(" ");
}

/**
 * @param {Asked & { message: string }} asked a message in two lines is one message
 * @returns {string | null} null where it does not speak the protocol
 */
export function websocatCommand({ target, protocols, header, message }) {
  if (speaks(target) !== "websocket") return null;
  const words = [
    "websocat",
    ...(message === "" ? [] : ["--one-message", "--no-close"]),
    ...(message.includes("\n") ? ["--null-terminated"] : []),
    ...(protocols.length === 0 ? [] : ["--protocol", quoted(protocols.join(", "))]),
    ...(header === "" ? [] : ["--header", quoted(header)]),
    quoted(withoutPassword(target.url)),
  ].join(" ");
  return message === "" ? words : `printf '%s${message.includes("\n") ? "\\0" : "\\n"}' ${quoted(message)} | ${words}`;
}

/** @param {Target} target */
const speaks = ({ service, protocol }) => service?.protocol ?? protocol ?? "websocket";
