// The addresses that sockets are opened at.

/** @typedef {import("./catalog.js").Service} Service */
/** @typedef {import("../i18n/i18n.js").Message} Message */
/**
 * What one pane talks to.
 * @typedef {object} Selection
 * @property {string | null} service null for an endpoint of one's own
 * @property {"healthy" | "naive"} handler
 * @property {string} url of one's own
 */
/** @typedef {{ key: string, service: Service | null, title: string, url: string }} Target */

/**
 * @param {string} text as typed
 * @param {boolean} secure whether the page itself came by HTTPS
 * @returns {{ url: string } | { error: Message }}
 */
export function checkUrl(text, secure) {
  const params = { url: text.trim() };
  if (params.url === "") return { error: { key: "error.urlEmpty" } };
  if (!URL.canParse(params.url)) return { error: { key: "error.url", params } };
  const { protocol, hash, href } = new URL(params.url);
  if (protocol !== "ws:" && protocol !== "wss:") return { error: { key: "error.urlScheme", params } };
  if (hash !== "") return { error: { key: "error.urlFragment", params: { hash } } };
  if (secure && protocol === "ws:") return { error: { key: "error.urlMixed", params } };
  return { url: href };
}

/**
 * @param {Selection} selection
 * @param {Service[]} services
 * @param {{ protocol: string, href: string }} location of the page
 * @returns {Target | { error: Message }}
 */
export function targetOf({ service: name, handler, url }, services, location) {
  const secure = location.protocol === "https:";
  const service = services.find((candidate) => candidate.name === name);
  if (service === undefined) {
    const checked = checkUrl(url, secure);
    if ("error" in checked) return checked;
    return { key: checked.url, service: null, title: new URL(checked.url).host, url: checked.url };
  }
  const naive = handler === "naive" && service.naive;
  return serviceTarget(service, `foobar/${naive ? "naive/" : ""}`, location);
}

/** @param {Service} service @param {{ href: string }} location of the page @returns {Target} */
export function chatTarget(service, location) {
  return serviceTarget(service, "chat/", location);
}

/** @param {Service} service @param {string} endpoint @param {{ href: string }} location @returns {Target} */
function serviceTarget(service, endpoint, { href }) {
  const path = `${service.name}/${endpoint}`;
  const { href: url } = new URL(path, href); // beside the page, which may be under a prefix
  return { key: `/${path}`, service, title: service.title, url: url.replace(/^http/, "ws") };
}
