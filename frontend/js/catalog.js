// The stacks: what services.json says of them, and what each of them says of itself right now.

/**
 * @typedef {object} Service
 * @property {string} name
 * @property {string} title
 * @property {string} summary
 * @property {string} framework
 * @property {string} server
 * @property {"greenlets" | "threads" | "callbacks" | "async"} concurrency
 * @property {"article" | "modern"} era
 * @property {"websocket" | "socket.io"} protocol
 * @property {string} homepage
 * @property {string} documentation
 * @property {string} released
 * @property {"active" | "occasional" | "dormant"} maintenance
 * @property {"accepted" | "refused"} foreign_origin
 * @property {{ max_message?: number | null, ping_interval?: number | null }} limits
 * @property {{ shows: string, summary: string } | null} naive
 * @property {{ check: string, outcome: string, reason: string, link: string, via?: string | null }[]} known
 */

/** @type {Service["era"][]} in the order in which they are shown */
export const ERAS = ["article", "modern"];

/** @typedef {{ state: "unknown" | "up" | "down", versions: Record<string, string>, error: string }} Status */

const EVERY = 5000;
const PATIENCE = 4000;

/** @type {Status} */
const UNKNOWN = { state: "unknown", versions: {}, error: "" };

/** @returns {Promise<Service[]>} */
export async function loadCatalog() {
  const response = await fetch("services.json");
  if (!response.ok) throw new Error(`services.json: ${response.status}`);
  return (await response.json()).services;
}

/** Asks every stack's /about in turn, gently, for as long as somebody looks at the page. */
export class StatusBoard extends EventTarget {
  /** @type {Map<string, Status>} */
  #statuses = new Map();
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #timers = new Map();

  /** @param {Service[]} services */
  watch(services) {
    services.forEach(({ name }, index) => this.#later(name, index * 40));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) services.forEach(({ name }, index) => this.#later(name, index * 40));
    });
  }

  /** @param {string} name @returns {Status} */
  of(name) {
    return this.#statuses.get(name) ?? UNKNOWN;
  }

  /** A socket dropped: look again soon. @param {string} name */
  suspect(name) {
    if (this.#timers.has(name)) this.#later(name, 250);
  }

  /** @param {string} name @param {number} wait */
  #later(name, wait) {
    clearTimeout(this.#timers.get(name));
    this.#timers.set(name, setTimeout(() => this.#ask(name), wait));
  }

  /** @param {string} name */
  async #ask(name) {
    if (document.hidden) return; // asked again when the tab is shown
    this.#later(name, EVERY + PATIENCE);
    const status = await about(name);
    if (status !== null && JSON.stringify(status) !== JSON.stringify(this.of(name))) {
      this.#statuses.set(name, status);
      this.dispatchEvent(new CustomEvent("change", { detail: name }));
    }
    this.#later(name, EVERY);
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
