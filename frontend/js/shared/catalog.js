// The stacks: what services.json says of them, and what each of them says of itself right now.

/**
 * Checks that fail for one reason.
 * @typedef {object} Deviation
 * @property {string[]} checks their ids
 * @property {string} outcome what they observe, in their own words
 * @property {string} reason
 * @property {string} link to the upstream issue or source
 * @property {"direct" | "proxy" | null} [via] the route on which they fail, where it is only one
 */
/** @typedef {Deviation & { by: string }} Mend a deviation that the function or class `by` of the service prevents */
/**
 * @typedef {object} Service
 * @property {string} name
 * @property {string} title
 * @property {string} summary
 * @property {string} framework
 * @property {string} server
 * @property {"greenlets" | "threads" | "callbacks" | "async"} concurrency
 * @property {"article" | "modern" | "yardstick"} era
 * @property {"websocket" | "socket.io"} protocol
 * @property {string} homepage
 * @property {string} documentation
 * @property {string} released
 * @property {"active" | "occasional" | "dormant"} maintenance
 * @property {"accepted" | "refused"} foreign_origin
 * @property {("poll" | "long-poll" | "events")[]} push how one may listen to its room beside the WebSocket
 * @property {{ max_message?: number | null, ping_interval?: number | null }} limits
 * @property {{ shows: string, summary: string } | null} naive
 * @property {string[]} sources the files under services/NAME/, the echo first
 * @property {number} lines of the echo, blank ones not counted
 * @property {Deviation[]} known
 * @property {Mend[]} mended
 */

/** @type {Service["era"][]} in the order in which they are shown */
export const ERAS = ["article", "modern", "yardstick"];

/** @typedef {{ state: "unknown" | "up" | "down", versions: Record<string, string>, error: string }} Status */

const ROUND = 5000; // milliseconds in which each stack is asked once,
const PACE = 250; // but no two sooner after each other than this: the more stacks, the longer the round
const SWEEP = 40; // the same of the first round, and of the one after the tab was away
const SOON = 250;
const PATIENCE = 4000;

/** @type {Status} */
const UNKNOWN = { state: "unknown", versions: {}, error: "" };

/** @returns {Promise<Service[]>} */
export async function loadCatalog() {
  const response = await fetch("services.json");
  if (!response.ok) throw new Error(`services.json: ${response.status}`);
  return (await response.json()).services;
}

/** How many checks are known to fail. @param {Service} service @returns {number} */
export function deviations({ known }) {
  return count(known);
}

/** How many checks would fail without the service's mends. @param {Service} service @returns {number} */
export function mends({ mended }) {
  return count(mended);
}

/** @param {Deviation[]} deviations */
function count(deviations) {
  return deviations.reduce((sum, { checks }) => sum + checks.length, 0);
}

/** @param {Service[]} services @returns {[Service["era"], Service[]][]} by era, those that have none left out */
export function byEra(services) {
  return ERAS.map(
    (era) => /** @type {[Service["era"], Service[]]} */ ([era, services.filter((service) => service.era === era)]),
  ).filter(([, some]) => some.length > 0);
}

/** Asks one stack after the other for its /about, gently, for as long as somebody looks at the page. */
export class StatusBoard extends EventTarget {
  /** @type {Map<string, Status>} */
  #statuses = new Map();
  /** @type {string[]} */
  #names = [];
  #next = 0; // whose turn it is
  /** @type {Set<string>} those that have been asked and have not answered yet */
  #asked = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer = undefined;

  /** Begins to ask them; they are asked for good from then on. @param {Service[]} services */
  watch(services) {
    if (this.#names.length > 0) return;
    this.#names = services.map(({ name }) => name);
    this.#goRound(this.#names.length);
    document.addEventListener("visibilitychange", () => this.#goRound(this.#names.length));
  }

  /** @param {string} name @returns {Status} */
  of(name) {
    return this.#statuses.get(name) ?? UNKNOWN;
  }

  /** A socket dropped: look again soon. @param {string} name */
  suspect(name) {
    if (this.#names.includes(name)) setTimeout(() => this.#ask(name), SOON);
  }

  /** @param {number} hurried how many of the next come at once */
  #goRound(hurried) {
    clearTimeout(this.#timer);
    if (document.hidden || this.#names.length === 0) return; // goes on when the tab is shown
    this.#ask(this.#names[this.#next]);
    this.#next = (this.#next + 1) % this.#names.length;
    const pause = hurried > 1 ? SWEEP : Math.max(PACE, ROUND / this.#names.length);
    this.#timer = setTimeout(() => this.#goRound(hurried - 1), pause);
  }

  /** @param {string} name */
  async #ask(name) {
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    const status = await about(name);
    this.#asked.delete(name);
    if (status === null || JSON.stringify(status) === JSON.stringify(this.of(name))) return;
    this.#statuses.set(name, status);
    this.dispatchEvent(new CustomEvent("change", { detail: name }));
  }
}

/** @param {string} name @returns {Promise<Status | null>} null where nothing was learnt */
async function about(name) {
  try {
    const response = await fetch(`${name}/about`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (response.status === 429) return null; // the proxy's rate limit, not the stack
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return { state: "up", versions: answer.versions ?? {}, error: "" };
    return { state: "down", versions: {}, error: `${response.status}${answer.error ? `: ${answer.error}` : ""}` };
  } catch (error) {
    return { state: "down", versions: {}, error: /** @type {Error} */ (error).message };
  }
}
