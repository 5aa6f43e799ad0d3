// The state of a connection in words, with the seconds until its next attempt.
import { t } from "../i18n/i18n.js";

const STEP = 250; // milliseconds

/** @typedef {import("./link.js").Link} Link */

/** @param {Link} link @returns {string} */
export function stateText({ state, attempt, retryAt }) {
  const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
  return t(`state.${state}`, { seconds, attempt });
}

/**
 * A reactive controller of Lit: renders a component again and again while its connection waits for the next attempt.
 * It requests the update itself, because only the time changes.
 */
export class Countdown {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;

  /** @param {import("lit").ReactiveControllerHost} host @param {() => Link} link */
  constructor(host, link) {
    this.host = host;
    this.link = link;
    host.addController(this);
  }

  hostConnected() {
    this.#clock = setInterval(() => this.link().state === "waiting" && this.host.requestUpdate(), STEP);
  }

  hostDisconnected() {
    clearInterval(this.#clock);
  }
}
