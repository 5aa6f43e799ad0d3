// Who one is in the room: the nick, kept in this browser, and what one said, kept in this tab.
import { checkNick } from "./room.js";

const NICK = "echo-wall-nick";
const SAID = "echo-wall-said";
const MOST_SAID = 500; // ids

/** @returns {string} the one kept, or a new one */
export function firstNick() {
  const kept = read("localStorage", NICK);
  if (kept !== null && checkNick(kept) === null) return kept;
  const nick = `guest-${1000 + Math.floor(Math.random() * 9000)}`;
  rememberNick(nick);
  return nick;
}

/** @param {string} nick */
export function rememberNick(nick) {
  write("localStorage", NICK, nick);
}

/** @returns {Set<string>} the ids of what one said before the page was loaded again */
export function ownMessages() {
  return new Set(read("sessionStorage", SAID)?.split(" "));
}

/** @param {Set<string>} ids */
export function rememberOwnMessages(ids) {
  write("sessionStorage", SAID, [...ids].slice(-MOST_SAID).join(" "));
}

// Storage may be forbidden; then all this lasts as long as the page.

/** @param {"localStorage" | "sessionStorage"} storage @param {string} key */
function read(storage, key) {
  try {
    return globalThis[storage].getItem(key);
  } catch {
    return null;
  }
}

/** @param {"localStorage" | "sessionStorage"} storage @param {string} key @param {string} value */
function write(storage, key, value) {
  try {
    globalThis[storage].setItem(key, value);
  } catch {
    // As above.
  }
}
