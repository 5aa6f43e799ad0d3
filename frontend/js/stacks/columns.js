// The columns of the table of stacks: what each sorts by.
import { ERAS, deviations, mends } from "../shared/catalog.js";
import { t } from "../i18n/i18n.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("../shared/catalog.js").Status["state"]} State */
/** @typedef {{ column: string, descending: boolean }} Order */
/** @typedef {{ order: Order | null, filter: string }} Table how the table is shown */

const STATES = ["up", "unknown", "down"];
const MAINTENANCE = ["active", "occasional", "dormant"];

/** @type {Record<string, (service: Service, state: State) => string | number | null>} null where there is nothing */
export const COLUMNS = {
  title: ({ title }) => title,
  era: ({ era }) => ERAS.indexOf(era),
  framework: ({ framework }) => framework,
  server: ({ server }) => server,
  concurrency: ({ concurrency }) => t(`concurrency.${concurrency}`),
  released: ({ released }) => Date.parse(released),
  maintenance: ({ maintenance }) => MAINTENANCE.indexOf(maintenance),
  lines: ({ sources, lines }) => (sources.length === 0 ? null : lines),
  known: deviations,
  mended: mends,
  status: (_, state) => STATES.indexOf(state),
};

/** The columns of numbers, which are aligned by their last digit. */
export const NUMBERS = ["lines", "known", "mended"];

/** @param {string | number | null} value */
const isEmpty = (value) => value === null || value === "" || Number.isNaN(value);

/**
 * Equals stay in the order of the catalog, and what has no value comes last, whichever way it goes.
 * @param {Service[]} services
 * @param {Order | null} order null for that of the catalog
 * @param {(name: string) => State} stateOf
 * @param {"en" | "zh"} language
 * @returns {Service[]}
 */
export function sorted(services, order, stateOf, language) {
  if (order === null) return services;
  const words = new Intl.Collator(language === "zh" ? "zh-CN" : "en", { numeric: true, sensitivity: "base" });
  const sign = order.descending ? -1 : 1;
  return services
    .map((service) => ({ service, value: COLUMNS[order.column](service, stateOf(service.name)) }))
    .sort(({ value: a }, { value: b }) => {
      if (isEmpty(a) || isEmpty(b)) return Number(isEmpty(a)) - Number(isEmpty(b));
      return sign * (typeof a === "string" ? words.compare(a, String(b)) : Number(a) - Number(b));
    })
    .map(({ service }) => service);
}
