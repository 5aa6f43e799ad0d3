// The addresses that sockets are opened at.

/** @typedef {import("./catalog.js").Service} Service */
/** @typedef {import("../i18n/i18n.js").Message} Message */
/** @typedef {"websocket" | "socket.io" | "events"} Protocol  events are Server-Sent Events, by HTTP */
/**
 * What one pane talks to.
 * @typedef {object} Selection
 * @property {string | null} service null for an endpoint of one's own
 * @property {"healthy" | "naive"} handler
 * @property {string} url of one's own
 * @property {Protocol} [protocol] that it speaks; WebSocket if none is given
 */
/**
 * @typedef {object} Target
 * @property {string} key
 * @property {Service | null} service
 * @property {boolean} naive whether it is the service's naive handler
 * @property {string} title
 * @property {string} url
 * @property {Protocol} [protocol] that one's own endpoint speaks
 */

/** @type {Protocol[]} */
export const PROTOCOLS = ["websocket", "socket.io", "events"];
/** The schemes of its addresses, and what the page says of another. @type {Record<Protocol, { schemes: string[], error: string }>} */
const ADDRESSES = {
  "websocket": { schemes: ["ws:", "wss:"], error: "error.urlScheme" },
  "socket.io": { schemes: ["http:", "https:", "ws:", "wss:"], error: "error.urlSchemeSocketIo" },
  "events": { schemes: ["http:", "https:"], error: "error.urlSchemeEvents" },
};
const PLAIN = ["ws:", "http:"]; // which a page that came by HTTPS may not use

// A password in an address: what is before it, itself, and the rest. Text that is no address may have one, too.
const PASSWORD = /^(\s*[a-z][a-z0-9+.-]*:[/\\]*[^/\\?#:]*):([^/\\?#]*)@/i;

/** @param {string} text an address, or what was typed for one @returns {string} with dots for the password, if it has one */
export function maskPassword(text) {
  return text.replace(PASSWORD, "$1:•••@");
}

/** @param {string} text as above @returns {string} without the password */
export function withoutPassword(text) {
  return text.replace(PASSWORD, "$1@");
}

/**
 * The hosts of this machine, which browsers let a page that came by HTTPS talk to in plain text (W3C Secure Contexts,
 * 3.1). Not all of them do for each of these, so whether it works is left to the browser.
 * @param {string} hostname
 */
function isLoopback(hostname) {
  return /^(127(\.\d+){3}|\[::1\]|(.+\.)?localhost)$/.test(hostname);
}

/**
 * @param {string} text as typed
 * @param {boolean} secure whether the page itself came by HTTPS
 * @param {Protocol} [spoken]
 * @returns {{ url: string } | { error: Message }}
 */
export function checkUrl(text, secure, spoken = "websocket") {
  const typed = text.trim();
  const params = { url: maskPassword(typed) };
  if (typed === "") return { error: { key: "error.urlEmpty" } };
  if (!URL.canParse(typed)) return { error: { key: "error.url", params } };
  const { protocol, hostname, hash, href } = new URL(typed);
  const { schemes, error } = ADDRESSES[spoken];
  if (!schemes.includes(protocol)) return { error: { key: error, params } };
  if (hash !== "") return { error: { key: "error.urlFragment", params: { hash } } };
  if (secure && PLAIN.includes(protocol) && !isLoopback(hostname)) return { error: { key: "error.urlMixed", params } };
  return { url: href };
}

/**
 * @param {Selection} selection
 * @param {Service[]} services
 * @param {{ protocol: string, href: string }} location of the page
 * @returns {Target | { error: Message }}
 */
export function targetOf({ service: name, handler, url, protocol = "websocket" }, services, location) {
  const secure = location.protocol === "https:";
  const service = services.find((candidate) => candidate.name === name);
  if (service === undefined) {
    const checked = checkUrl(url, secure, protocol);
    if ("error" in checked) return checked;
    const address = new URL(checked.url);
    if (protocol === "socket.io" && address.pathname === "/") address.pathname = "/socket.io/"; // where it is by default
    const { href, host } = address;
    return { key: `${protocol} ${href}`, service: null, naive: false, title: host, url: href, protocol };
  }
  const naive = handler === "naive" && service.naive !== null;
  return { ...serviceTarget(service, `foobar/${naive ? "naive/" : ""}`, location), naive };
}

/** @param {Service} service @param {{ href: string }} location of the page @returns {Target} */
export function chatTarget(service, location) {
  return serviceTarget(service, "chat/", location);
}

/** @param {Service} service @param {string} endpoint @param {{ href: string }} location @returns {Target} */
function serviceTarget(service, endpoint, { href }) {
  const path = `${service.name}/${endpoint}`;
  const { href: url } = new URL(path, href); // beside the page, which may be under a prefix
  return { key: `/${path}`, service, naive: false, title: service.title, url: url.replace(/^http/, "ws") };
}
