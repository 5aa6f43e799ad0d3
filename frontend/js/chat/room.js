// What has been said in the room, as far as this page knows: in order, each message once, and what it said itself.

/** @typedef {import("../i18n/i18n.js").Message} Notice */
/** @typedef {{ id: string, service: string, nick: string, text: string, ts: number }} Said */
/** @typedef {"joined" | "left" | "lost" | "slow" | "silent" | "away" | "caught-up" | "odd"} EventKind */
/**
 * A line of the conversation: a message, or something that happened to this page's connection.
 * @typedef {{ seq: number, time: number, said: Said, mine: boolean }} Message
 * @typedef {{ seq: number, time: number, event: EventKind, notes: Notice[], count?: number }} Happening
 * @typedef {Message | Happening} Line
 */
/** @typedef {{ seq: number, service: string, nick: string, text: string, state: "sending" | "unsaid" }} Pending */
/** @typedef {Said | { online: Record<string, number> } | { live: boolean } | { error: string }} Heard */

const MOST = 4000; // lines kept
const MOST_NICK = 32;
export const MOST_TEXT = 2000;
const ID = /^\d{1,19}-\d{1,19}$/;
const LAST_TIME = 8.64e15; // that a Date can tell
const BLANK = /^[\s\u001c-\u001f\u0085]*$/u; // also what only Python takes for a space
const LONE_SURROGATE = /\p{Surrogate}/u;

export class Room {
  /** @type {Line[]} ascending by seq */
  lines = [];
  /** @type {Pending[]} said here and not yet come back, the earliest first */
  pending = [];
  /** @type {boolean | null} null while the present connection was told nothing */
  live = null;
  /** @type {Record<string, number>} sockets by stack */
  online = {};
  last = ""; // the id of the latest message
  /** @type {Set<string>} the ids of what was said here */
  own = new Set();
  repeats = 0;
  disorder = 0;

  #everLive = false;
  #catchingUp = false;
  #missed = 0;
  #next = 1;
  /** @type {Set<string>} the ids of the lines */
  #ids = new Set();

  /** Where to go on after a break: whoever was in a room in which nothing had been said missed all of it. */
  get after() {
    return this.last || (this.#everLive ? "0-0" : "");
  }

  /** A connection begins. */
  enter() {
    this.live = null;
    this.#catchingUp = this.after !== "";
    this.#missed = 0;
  }

  /** It is over. */
  exit() {
    this.live = null;
    this.online = {};
  }

  /** @param {Said} said */
  hear(said) {
    if (this.#ids.has(said.id)) {
      this.repeats++;
      return;
    }
    if (order(said.id) > order(this.last)) this.last = said.id;
    else this.disorder++;
    this.#ids.add(said.id);
    if (this.live !== true) this.#missed++;
    if (this.#arrived(said)) this.own.add(said.id);
    this.#add({ time: said.ts, said, mine: this.own.has(said.id) });
  }

  /** @param {boolean} live whether what is said from now on is heard at once */
  become(live) {
    if (live === this.live) return;
    if (!live) {
      this.note("away", { key: "room.away" });
      if (this.live) {
        this.#catchingUp = true;
        this.#missed = 0;
      }
    } else if (this.#catchingUp) {
      const count = this.#missed;
      const key = count === 0 ? "room.caughtUpNothing" : count === 1 ? "room.caughtUpOne" : "room.caughtUp";
      this.#add({ time: Date.now(), event: "caught-up", notes: [{ key, params: { count } }], count });
      this.#catchingUp = false;
    }
    this.#everLive ||= live;
    this.live = live;
  }

  /** @param {EventKind} event @param {Notice[]} notes */
  note(event, ...notes) {
    this.#add({ time: Date.now(), event, notes });
  }

  /** @param {string} service @param {string} nick @param {string} text @returns {Pending} */
  say(service, nick, text) {
    /** @type {Pending} */
    const pending = { seq: this.#next++, service, nick, text, state: "sending" };
    this.pending.push(pending);
    return pending;
  }

  /** @param {Pending} pending that nobody waits for any more */
  forget(pending) {
    this.pending = this.pending.filter((other) => other !== pending);
  }

  get sending() {
    return this.pending.some(({ state }) => state === "sending");
  }

  /** The latest number given: what was said up to it, and does not come back, was not said. */
  get mark() {
    return this.#next - 1;
  }

  /** @param {number} mark */
  giveUp(mark) {
    this.pending = this.pending.map((pending) =>
      pending.seq <= mark && pending.state === "sending" ? { ...pending, state: "unsaid" } : pending,
    );
  }

  /** The earliest that it can be; one that was given up was said after all. @param {Said} said @returns {boolean} */
  #arrived({ service, nick, text }) {
    const same = this.pending.filter((one) => one.service === service && one.nick === nick && one.text === text);
    const found = same.find(({ state }) => state === "sending") ?? same[0];
    if (found === undefined) return false;
    this.forget(found);
    return true;
  }

  /** @param {Omit<Message, "seq"> | Omit<Happening, "seq">} line */
  #add(line) {
    this.lines.push({ ...line, seq: this.#next++ });
    if (this.lines.length <= MOST) return;
    // A twentieth at once, since moving the rest up costs as much for one as for many.
    for (const dropped of this.lines.splice(0, 1 + MOST / 20)) if ("said" in dropped) this.#ids.delete(dropped.said.id);
  }
}

/** @param {string} id @returns {string} that sorts as the numbers do: 5-10 comes after 5-9 */
export function order(id) {
  return id
    .split("-")
    .map((part) => part.padStart(20, "0"))
    .join("-");
}

/** @param {import("../client.js").Incoming} incoming @returns {Heard | null} null for what a room does not say */
export function understand(incoming) {
  let heard = /** @type {any} */ (incoming);
  if (typeof incoming === "string") {
    try {
      heard = JSON.parse(incoming);
    } catch {
      return null;
    }
  }
  if (typeof heard !== "object" || heard === null) return null;
  if (typeof heard.live === "boolean" || typeof heard.error === "string") return heard;
  if (typeof heard.online === "object" && heard.online !== null) {
    const counts = Object.entries(heard.online);
    return counts.every(([, count]) => Number.isSafeInteger(count) && count >= 0) ? heard : null;
  }
  const { id, service, nick, text, ts } = heard;
  const strings = [id, service, nick, text].every((value) => typeof value === "string");
  return strings && ID.test(id) && Number.isFinite(ts) && Math.abs(ts) <= LAST_TIME ? heard : null;
}

/** @param {string} text */
export function codePoints(text) {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** @param {string} nick @returns {Notice | null} what is wrong with it */
export function checkNick(nick) {
  return check(nick, "nick", MOST_NICK);
}

/** @param {string} text @returns {Notice | null} what is wrong with it */
export function checkText(text) {
  return check(text, "text", MOST_TEXT);
}

/** @param {string} value @param {"nick" | "text"} what @param {number} most */
function check(value, what, most) {
  const count = codePoints(value);
  if (BLANK.test(value)) return { key: `room.${what}Blank` };
  if (count > most) return { key: `room.${what}Long`, params: { count, most } };
  return LONE_SURROGATE.test(value) ? { key: "room.surrogate" } : null;
}

/** @param {string} text what can be seen of it: control characters as their pictures */
export function visible(text) {
  return text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
  });
}

/** @param {number} time @returns {string} the local day, such as 2026-11-22 */
export function dayOf(time) {
  const date = new Date(time);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/**
 * The lines with the days between them.
 * @param {Line[]} lines
 * @returns {(Line | { day: string, time: number })[]}
 */
export function withDays(lines) {
  let last = "";
  return lines.flatMap((line) => {
    const day = dayOf(line.time);
    if (day === last) return [line];
    last = day;
    return [{ day, time: line.time }, line];
  });
}
