// One's visit to the room: a connection to it by some stack, and what is said and heard over that.
import { Link } from "../shared/link.js";
import { Room, understand, visible } from "./room.js";

/** @typedef {import("../i18n/i18n.js").Message} Notice */

const SILENCE = 10_000; // a room that owes an answer and says nothing for so long is given up
const GRACE = 1000; // what is on its way still comes back
const LONGEST_ERROR = 500;

/** Fires "said" for each message, "room" when anything else in the room changed, and "state" when the connection did. */
export class Visit extends Link {
  room = new Room();
  /** @type {Notice | null} what the room found wrong with something that was said here */
  error = null;

  #by = ""; // the stack by which the room was last entered
  #opened = false;
  #progress = false; // whether this socket brought anything
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;

  /** Whether something can be said now. */
  get open() {
    return this.state === "connected" && this.room.live === true;
  }

  /** @param {string} nick @param {string} text */
  say(nick, text) {
    const { connection } = this;
    if (connection === null || !this.open) return;
    this.error = null;
    this.room.say(this.#service, nick, text);
    connection.sendObject({ nick, text });
    this.#listen();
    this.#changed();
  }

  /** @param {import("./room.js").Pending} pending */
  sayAgain(pending) {
    if (!this.open) return;
    this.room.forget(pending);
    this.say(pending.nick, pending.text);
  }

  /** @param {import("./room.js").Pending} pending */
  discard(pending) {
    this.room.forget(pending);
    this.#changed();
  }

  /** It has been read, or is about what is no longer in the box. */
  forgetError() {
    if (this.error === null) return;
    this.error = null;
    this.#changed();
  }

  /** Leaves until somebody joins again. */
  async goOut() {
    this.#by = "";
    this.room.note("left", { key: "room.left" });
    await this.leave();
  }

  get #service() {
    return this.target?.service?.name ?? "";
  }

  get #params() {
    return { title: this.target?.title ?? "" };
  }

  /** @override @param {import("../shared/target.js").Target} target */
  address({ url }) {
    const { after } = this.room;
    this.#opened = this.#progress = false;
    this.#listen(true);
    return after === "" ? url : `${url}?after=${after}`;
  }

  /** @override */
  onOpen() {
    this.room.enter();
    this.error = null;
    this.#opened = true;
    this.#listen(true);
  }

  /** @override @param {import("../client.js").Incoming} incoming */
  onMessage(incoming) {
    const heard = understand(incoming);
    if (heard === null) {
      this.room.note("odd", { key: "room.odd", params: this.#params });
    } else if ("error" in heard) {
      this.error = {
        key: "room.said",
        params: { ...this.#params, error: visible(heard.error.slice(0, LONGEST_ERROR)) },
      };
      this.#doubt();
    } else if ("online" in heard) {
      this.room.online = heard.online;
    } else if ("live" in heard) {
      this.#hearLive(heard.live);
    } else {
      this.#progress = true;
      this.room.hear(heard);
    }
    this.#listen();
    this.dispatchEvent(new Event(heard !== null && "id" in heard ? "said" : "room"));
  }

  /** @override @param {import("../client.js").Closed} closed @returns {"at once" | void} */
  onClose({ code, reason }) {
    const params = this.#params;
    if (this.state === "closing") return;
    if (code === 1013) {
      this.room.note("slow", { key: "room.slow", params });
      this.#changed();
      return this.#progress ? "at once" : undefined; // one that is always too busy is not asked again and again
    }
    if (this.#opened) {
      const told =
        code === null
          ? { key: "room.lostReason", params: { ...params, reason } }
          : { key: "room.lostCode", params: { ...params, code } };
      this.room.note("lost", told);
    } else if (this.attempt === 0) {
      this.room.note("lost", { key: "log.refused", params });
    }
    this.#changed();
  }

  /** @override */
  onGone() {
    clearTimeout(this.#silence);
    this.room.exit();
  }

  /** @override */
  onLeftBehind() {
    this.#changed();
  }

  /** @override @param {string} detail */
  onForbidden(detail) {
    this.room.note("lost", { key: "log.forbidden", params: { ...this.#params, detail } });
    this.#changed();
  }

  /** @param {boolean} live */
  #hearLive(live) {
    const { room } = this;
    if (live && this.#by !== this.#service) {
      this.#by = this.#service;
      room.note("joined", { key: "room.joined", params: this.#params });
    }
    room.become(live);
    if (live) this.#doubt(); // what was said before the break and is not back
  }

  /** What has been said until now was heard, or was not, within the grace. */
  #doubt() {
    const { mark } = this.room;
    setTimeout(() => {
      this.room.giveUp(mark);
      if (!this.room.sending) this.#listen();
      this.#changed();
    }, GRACE);
  }

  /** Waits for a word, if there is one to wait for. @param {boolean} [entering] */
  #listen(entering = false) {
    clearTimeout(this.#silence);
    if (!entering && this.room.live !== null && !(this.room.live && this.room.sending)) return;
    this.#silence = setTimeout(() => {
      this.room.note("silent", { key: "room.silent", params: this.#params });
      this.startOver();
      this.#changed();
    }, SILENCE);
  }

  #changed() {
    this.dispatchEvent(new Event("room"));
  }
}
