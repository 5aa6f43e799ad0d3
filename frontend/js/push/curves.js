// What push and polling cost by how often something is said, as a benchmark has it: the points, and where they cross.
import { estimateOf } from "../results/estimates.js";
import { label } from "../results/summary.js";

/** @typedef {import("../results/model.js").BenchRun} BenchRun */
/** @typedef {import("../results/model.js").Benched} Benched */
/** @typedef {import("../results/model.js").Crossover} Crossover */
/** @typedef {import("../results/model.js").Figure} Figure */
/** @typedef {import("../results/model.js").Index} Index */
/** @typedef {import("../results/model.js").Step} Step */
/** @typedef {import("./listeners.js").Transport} Transport */
/** @typedef {"cpu" | "late" | "down" | "requests"} Quantity */
/** @typedef {{ mean: number, low: number | null, high: number | null, derived: boolean }} Point */
/** @typedef {{ key: string, transport: Transport, polled: number | null, points: Map<number, Point> }} Way one line: points by the seconds from one message to the next */

export const SCENARIO = "push";
/** @type {Quantity[]} */
export const QUANTITIES = ["cpu", "late", "down", "requests"];
/** In this order, whatever the order of the steps. @type {Transport[]} */
const TRANSPORTS = ["poll", "long-poll", "events", "websocket"];

/** The run that measured push of a stack, by each route, as the lab runs it: the one that has the longest interval
 * between messages, and of those the newest.
 * @param {Index[]} indexes what one has in the first counts before what one has in the others
 * @param {string} service @returns {Map<string, string>} files of runs, by the target's label */
export function filesOf(indexes, service) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const { steps, costs } of indexes) {
    const intervals = new Map(
      steps.filter(({ scenario }) => scenario === SCENARIO).map(({ name, every }) => [name, every ?? 0]),
    );
    /** @type {Map<string, { file: string, every: number }>} */
    const here = new Map();
    for (const { step, label: of, file } of costs) {
      const every = intervals.get(step);
      if (every === undefined || (of !== service && of !== `${service} (proxy)`)) continue;
      const best = here.get(of);
      if (!best || every > best.every || (every === best.every && file > best.file)) here.set(of, { file, every });
    }
    for (const [of, { file }] of here) if (!found.has(of)) found.set(of, file);
  }
  return found;
}

/** @param {BenchRun} run @param {string} name @returns {Benched | undefined} the target with that label */
export function targetOf({ targets }, name) {
  return targets.find((target) => label(target) === name);
}

/** @param {BenchRun} run @param {Benched} target @param {Quantity} quantity @returns {Way[]} */
export function ways(run, target, quantity) {
  /** @type {Map<string, Way>} */
  const found = new Map();
  const add =
    (/** @type {Transport} */ transport, /** @type {number | null} */ polled, /** @type {number} */ every) =>
    (/** @type {Omit<Point, "derived">} */ point, derived = false) => {
      const key = polled === null ? transport : `${transport} ${polled}`;
      const way = found.get(key) ?? { key, transport, polled, points: new Map() };
      way.points.set(every, { ...point, derived });
      found.set(key, way);
    };
  for (const { name, scenario, transport, polled = null, every } of run.steps) {
    if (scenario !== SCENARIO || !transport || !every) continue;
    const figure = target.figures.find(({ step }) => step === name);
    const point = quantity === "cpu" ? cpuOf(target, figure) : pointOf(figure, quantity);
    if (point !== null) add(transport, polled, every)(point);
  }
  if (quantity === "cpu") {
    for (const { target: of, transport, polled, every, cpu } of run.derived ?? []) {
      if (of === label(target)) add(transport, polled, every)(cpu, true);
    }
  }
  return [...found.values()].sort(
    (a, b) => TRANSPORTS.indexOf(a.transport) - TRANSPORTS.indexOf(b.transport) || (a.polled ?? 0) - (b.polled ?? 0),
  );
}

/** @param {BenchRun} run @param {Benched} target @returns {Crossover[]} */
export function crossings(run, target) {
  return (run.crossovers ?? []).filter(({ target: of }) => of === label(target));
}

/** The CPU time of the server, and on that route the proxy's too, as it is in what is derived and in the crossings.
 * @param {Benched} target @param {Figure | undefined} figure @returns {Omit<Point, "derived"> | null} */
function cpuOf(target, figure) {
  if (!figure?.cpu || target.via !== "proxy") return figure?.cpu ?? null;
  if (!figure.proxy_cpu) return null;
  const kept = target.measurements.filter(
    ({ step, cpu, refusals }) =>
      step === figure.step && cpu && !refusals.some(({ withheld }) => withheld === "everything" || withheld === "cost"),
  );
  return estimateOf(kept.map(({ cpu, proxy_cpu }) => (cpu ?? 0) + (proxy_cpu ?? 0)));
}

/** @param {Figure | undefined} figure @param {Exclude<Quantity, "cpu">} quantity @returns {Omit<Point, "derived"> | null} */
function pointOf(figure, quantity) {
  if (figure === undefined) return null;
  if (quantity === "down") return figure.down ?? null;
  const value = quantity === "late" ? (figure.latency?.p50 ?? null) : (figure.requests ?? null);
  return value === null ? null : { mean: value, low: null, high: null };
}

/** A logarithmic scale. @param {number[]} values above 0 @param {number} from @param {number} to the ends of the drawing */
export function scale(values, from, to) {
  const [least, most] = [Math.min(...values), Math.max(...values)].map(Math.log);
  return (/** @type {number} */ value) =>
    most === least ? (from + to) / 2 : from + ((Math.log(value) - least) / (most - least)) * (to - from);
}
