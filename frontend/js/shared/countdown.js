// How a connection is doing, in words, and the seconds until its next attempt.
import { t } from "../i18n/i18n.js";

const STEP = 250; // milliseconds

/** @typedef {import("./link.js").Link} Link */

/** @param {Link} link @returns {string} */
export function stateText({ state, attempt, retryAt }) {
  const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
  return t(`state.${state}`, { seconds, attempt });
}

/**
 * Renders a component anew while its connection waits for the next attempt: a reactive controller of Lit.
 * It asks for the rendering itself, since nothing but the time changes.
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
