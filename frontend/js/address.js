// What the address bar holds, and the addresses that sockets are opened at.
import { COLUMNS } from "./columns.js";

/** @typedef {import("./catalog.js").Service} Service */
/** @typedef {import("./i18n.js").Message} Message */
/**
 * What one pane talks to.
 * @typedef {object} Selection
 * @property {string | null} service null for an endpoint of one's own
 * @property {"healthy" | "naive"} handler
 * @property {string} url of one's own
 */
/** @typedef {"echo" | "chat" | "stacks"} View */
/** @typedef {{ order: import("./columns.js").Order | null, filter: string }} Table how the table of stacks is shown */
/** @typedef {{ view: View, panes: Selection[], sideBySide: boolean, connect: boolean, language: string | null, unknown: string[], table: Table }} Address */
/** @typedef {{ key: string, service: Service | null, title: string, url: string }} Target */

// The names of one pane's parameters, for the first pane and for the second.
const PARAMETERS = [
  { service: "service", handler: "handler", url: "url" },
  { service: "compare", handler: "compare-handler", url: "compare-url" },
];

const TABLE = ["sort", "order", "filter"];

/** @type {View[]} */
export const VIEWS = ["echo", "chat", "stacks"];

/** @param {string} search @param {Service[]} services @returns {Address} */
export function readAddress(search, services) {
  const query = new URLSearchParams(search);
  /** @type {string[]} */
  const unknown = [];
  const panes = PARAMETERS.map((names, index) => {
    const asked = query.get(names.service);
    const url = query.get(names.url);
    const found = services.find(({ name }) => name === asked);
    if (asked !== null && found === undefined) unknown.push(asked);
    const fallback = services[Math.min(index, services.length - 1)] ?? null;
    const service = asked === null && url !== null ? null : (found ?? fallback);
    const naive = query.get(names.handler) === "naive" && service?.naive;
    return /** @type {Selection} */ ({
      service: service?.name ?? null,
      handler: naive ? "naive" : "healthy",
      url: url ?? "",
    });
  });
  return {
    view: VIEWS.find((view) => view === query.get("view")) ?? "echo",
    panes,
    sideBySide: query.has(PARAMETERS[1].service) || query.has(PARAMETERS[1].url),
    connect: query.get("connect") === "1",
    language: query.get("lang"),
    unknown,
    table: readTable(query),
  };
}

/** @param {URLSearchParams} query @returns {Table} */
function readTable(query) {
  const column = query.get("sort") ?? "";
  const order = Object.hasOwn(COLUMNS, column) ? { column, descending: query.get("order") === "desc" } : null;
  return { order, filter: query.get("filter") ?? "" };
}

/**
 * @param {string} search the present one: what is not about the panes stays in it
 * @param {Selection[]} shown the panes that are shown
 * @returns {string}
 */
export function writeAddress(search, shown) {
  const query = new URLSearchParams(search);
  for (const name of ["view", ...TABLE]) query.delete(name);
  PARAMETERS.forEach((names, index) => {
    const selection = shown[index];
    for (const name of Object.values(names)) query.delete(name);
    if (selection === undefined) return;
    if (selection.service === null) {
      query.set(names.url, selection.url);
    } else {
      query.set(names.service, selection.service);
      if (selection.handler === "naive") query.set(names.handler, "naive");
    }
  });
  return `?${query}`;
}

/** @param {string} search the present one @param {string} service @returns {string} the chat room by that stack */
export function writeChatAddress(search, service) {
  const query = new URLSearchParams(writeAddress(search, []));
  query.delete("connect"); // it is about the echo
  return `?${new URLSearchParams([["view", "chat"], ["service", service], ...query])}`;
}

/** @param {string} search the present one @param {Table} table @returns {string} the table of stacks, as it is shown */
export function writeStacksAddress(search, { order, filter }) {
  const query = new URLSearchParams(writeAddress(search, []));
  query.delete("connect");
  if (filter !== "") query.set("filter", filter);
  if (order !== null) query.set("sort", order.column);
  if (order?.descending) query.set("order", "desc");
  return `?${new URLSearchParams([["view", "stacks"], ...query])}`;
}

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
 * @param {{ protocol: string, host: string, href: string }} location of the page
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

/** @param {Service} service @param {{ protocol: string, host: string }} location @returns {Target} */
export function chatTarget(service, location) {
  return serviceTarget(service, "chat/", location);
}

/** @param {Service} service @param {string} endpoint @param {{ protocol: string, host: string }} location @returns {Target} */
function serviceTarget(service, endpoint, { protocol, host }) {
  const path = `/${service.name}/${endpoint}`;
  return { key: path, service, title: service.title, url: `${protocol === "https:" ? "wss" : "ws"}://${host}${path}` };
}
