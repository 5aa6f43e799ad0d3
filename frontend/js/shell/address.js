// What the address bar holds.
import { PROTOCOLS, withoutPassword } from "../shared/target.js";
import { COLUMNS } from "../stacks/columns.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("../shared/target.js").Selection} Selection */
/** @typedef {import("../stacks/columns.js").Table} Table */
/** @typedef {keyof typeof SETTINGS} Settable a view whose address says how it is set */
/** @typedef {Exclude<Settable, "race">} Measured a view of what was measured */
/** @typedef {Settable | "echo" | "chat" | "push" | "stacks"} View */
/** @typedef {Record<string, string>} Settings how such a view is set; what is not there is as usual */
/** @typedef {{ protocols: (string | null)[], kind: string, message: string | null }} Shared  what only a link that one shares has: the subprotocols of each pane, and the message */
/** @typedef {{ view: View, settings: Settings, panes: Selection[], sideBySide: boolean, connect: boolean, language: string | null, unknown: string[], table: Table, shared: Shared }} Address */

// The names of one pane's parameters, for the first pane and for the second.
const PARAMETERS = [
  { service: "service", handler: "handler", url: "url", protocol: "protocol" },
  { service: "compare", handler: "compare-handler", url: "compare-url", protocol: "compare-protocol" },
];
// What only a link that one shares has.
const SUBPROTOCOLS = ["subprotocols", "compare-subprotocols"];
const MESSAGE = ["kind", "message"];
const MOST_LINK = 6000; // characters: nginx, as many servers, takes no line of more than 8 KiB

const TABLE = ["sort", "order", "filter"];

/** The parameters of each view of what was measured, and of the race: here is the place of a further one. */
export const SETTINGS = {
  compare: ["columns", "step", "with", "sort", "order", "filter", "cell"],
  behaviour: ["mends", "group", "all", "cell"],
  conformance: ["category", "all", "cell"],
  cost: ["run", "step", "cell"],
  race: ["stacks", "count", "size", "kind", "atOnce"],
};
/** @type {Measured[]} */
const MEASURED = ["compare", "behaviour", "conformance", "cost"];

/** @type {View[]} */
export const VIEWS = [...MEASURED, "echo", "race", "chat", "push", "stacks"];

/** @param {View} view @returns {view is Measured} */
export const isMeasured = (view) => MEASURED.some((one) => one === view);

/** @param {View} view @returns {view is Settable} */
export const isSettable = (view) => Object.hasOwn(SETTINGS, view);

/** @param {string} search @param {Service[]} services @returns {Address} */
export function readAddress(search, services) {
  const query = new URLSearchParams(search);
  /** @type {string[]} */
  const unknown = [];
  const maintained = services.filter(({ maintenance }) => maintenance === "active");
  const offered = maintained.length > 0 ? maintained : services; // a newcomer should not begin with what is dormant
  const panes = PARAMETERS.map((names, index) => {
    const asked = query.get(names.service);
    const url = query.get(names.url);
    const found = services.find(({ name }) => name === asked);
    if (asked !== null && found === undefined) unknown.push(asked);
    const fallback = offered[Math.min(index, offered.length - 1)] ?? null;
    const service = asked === null && url !== null ? null : (found ?? fallback);
    const naive = query.get(names.handler) === "naive" && service?.naive;
    const protocol = PROTOCOLS.find((one) => service === null && one === query.get(names.protocol));
    return /** @type {Selection} */ ({
      service: service?.name ?? null,
      handler: naive ? "naive" : "healthy",
      url: url ?? "",
      ...(protocol && { protocol }),
    });
  });
  const view = viewOf(query);
  return {
    view,
    settings: isSettable(view) ? readSettings(query, view) : {},
    panes,
    sideBySide: query.has(PARAMETERS[1].service) || query.has(PARAMETERS[1].url),
    connect: query.get("connect") === "1",
    language: query.get("lang"),
    unknown,
    table: readTable(query),
    shared: {
      protocols: SUBPROTOCOLS.map((name) => query.get(name)),
      kind: query.get("kind") ?? "",
      message: query.get("message"),
    },
  };
}

/** Before there were other views, an address of the echo did not name it. @param {URLSearchParams} query @returns {View} */
function viewOf(query) {
  const echo = ["connect", ...PARAMETERS.flatMap((names) => Object.values(names))].some((name) => query.has(name));
  return VIEWS.find((view) => view === query.get("view")) ?? (echo ? "echo" : "compare");
}

/** @param {URLSearchParams} query @param {Settable} view @returns {Settings} */
function readSettings(query, view) {
  /** @type {Settings} */
  const settings = {};
  for (const name of SETTINGS[view]) {
    const value = query.get(name);
    if (value) settings[name] = value;
  }
  return settings;
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
  for (const name of ["view", ...TABLE, ...Object.values(SETTINGS).flat(), ...SUBPROTOCOLS, ...MESSAGE])
    query.delete(name);
  PARAMETERS.forEach((names, index) => {
    const selection = shown[index];
    for (const name of Object.values(names)) query.delete(name);
    if (selection === undefined) return;
    if (selection.service === null) {
      query.set(names.url, withoutPassword(selection.url)); // others see an address: on the screen, in the history
      if (selection.protocol && selection.protocol !== "websocket") query.set(names.protocol, selection.protocol);
    } else {
      query.set(names.service, selection.service);
      if (selection.handler === "naive") query.set(names.handler, "naive");
    }
  });
  if (viewOf(query) !== "echo") query.set("view", "echo");
  return `?${query}`;
}

/**
 * A link to what is shown, for somebody else: without language and without connecting at once.
 * @param {Selection[]} shown @param {string[]} protocols the subprotocols of each @param {{ kind: string, text: string }} message
 * @returns {{ search: string, whole: boolean }} whole is whether the message is in it: a long one is not
 */
export function writeShared(shown, protocols, { kind, text }) {
  const query = new URLSearchParams(writeAddress("", shown));
  protocols.forEach((offered, index) => offered !== "" && query.set(SUBPROTOCOLS[index], offered));
  const short = `?${query}`;
  if (text !== "") {
    query.set("kind", kind);
    query.set("message", text);
  }
  const whole = query.toString().length <= MOST_LINK;
  return { search: whole ? `?${query}` : short, whole };
}

/** @param {string} search the present one @returns {URLSearchParams} what of it is about all views */
function common(search) {
  const query = new URLSearchParams(writeAddress(search, []));
  for (const name of ["view", "connect"]) query.delete(name); // they are about the echo
  return query;
}

/** @param {string} search the present one @param {Settable} view @param {Settings} settings @returns {string} that view, as it is set */
export function writeSettings(search, view, settings) {
  const set = SETTINGS[view].flatMap((name) => (settings[name] ? [[name, settings[name]]] : []));
  const query = new URLSearchParams([...(view === "compare" ? [] : [["view", view]]), ...common(search), ...set]);
  return query.size > 0 ? `?${query}` : "./";
}

/**
 * @param {string} search the present one
 * @param {"chat" | "push"} view
 * @param {string} service the stack by whose room it is, "" for none in particular
 * @returns {string}
 */
export function writeRoomAddress(search, view, service) {
  const by = service === "" ? [] : [["service", service]];
  return `?${new URLSearchParams([["view", view], ...by, ...common(search)])}`;
}

/** @param {string} search the present one @param {Table} table @returns {string} the table of stacks, as it is shown */
export function writeStacksAddress(search, { order, filter }) {
  const query = common(search);
  if (filter !== "") query.set("filter", filter);
  if (order !== null) query.set("sort", order.column);
  if (order?.descending) query.set("order", "desc");
  return `?${new URLSearchParams([["view", "stacks"], ...query])}`;
}
