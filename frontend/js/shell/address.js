// What the address bar holds.
import { COLUMNS } from "../stacks/columns.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("../shared/target.js").Selection} Selection */
/** @typedef {import("../stacks/columns.js").Table} Table */
/** @typedef {"echo" | "chat" | "push" | "stacks"} View */
/** @typedef {{ view: View, panes: Selection[], sideBySide: boolean, connect: boolean, language: string | null, unknown: string[], table: Table }} Address */

// The names of one pane's parameters, for the first pane and for the second.
const PARAMETERS = [
  { service: "service", handler: "handler", url: "url" },
  { service: "compare", handler: "compare-handler", url: "compare-url" },
];

const TABLE = ["sort", "order", "filter"];

/** @type {View[]} */
export const VIEWS = ["echo", "chat", "push", "stacks"];

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

/**
 * @param {string} search the present one
 * @param {"chat" | "push"} view
 * @param {string} service the stack by whose room it is, "" for none in particular
 * @returns {string}
 */
export function writeRoomAddress(search, view, service) {
  const query = new URLSearchParams(writeAddress(search, []));
  query.delete("connect"); // it is about the echo
  const entries =
    service === ""
      ? [["view", view]]
      : [
          ["view", view],
          ["service", service],
        ];
  return `?${new URLSearchParams([...entries, ...query])}`;
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
