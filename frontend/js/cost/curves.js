// What the charts of Cost are drawn from: a benchmark's run, step by step.
import { decode, merged, percentiles } from "../results/histogram.js";
import { label } from "../results/summary.js";

/** @typedef {import("../results/model.js").BenchRun} BenchRun */
/** @typedef {import("../results/model.js").Estimate} Estimate */
/** @typedef {import("../results/model.js").Figure} Figure */
/** @typedef {import("../results/model.js").Index} Index */
/** @typedef {import("../results/model.js").Step} Step */
/** @typedef {{ label: string, name: string, figure: Figure | null }} Line a target, and what it has in a step */

/** The percentiles of a curve, closer together where it is steep. */
export const PERCENTILES = [10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99];
const BEYOND = 100; // samples that have to lie beyond a percentile, as in echowall/bench/judging.py

/** @param {BenchRun} run @param {string} step @returns {Line[]} */
export function lines(run, step) {
  return run.targets.map((target) => ({
    label: label(target),
    name: target.name,
    figure: target.figures.find((one) => one.step === step) ?? null,
  }));
}

/** The latency's percentiles, over the rounds that have not withheld it. Those with too few samples beyond are null.
 * @param {BenchRun} run @param {string} step @returns {Promise<Map<string, (number | null)[]>>} microseconds, by label */
export async function curves(run, step) {
  const found = await Promise.all(
    run.targets.map(async (target) => {
      const rounds = target.measurements.filter(
        (one) =>
          one.step === step &&
          !one.refusals.some(({ withheld }) => withheld === "latency" || withheld === "everything"),
      );
      const buckets = merged(await Promise.all(rounds.map(({ latency }) => decode(latency))));
      const samples = buckets.reduce((sum, [, count]) => sum + count, 0);
      const curve = percentiles(buckets, PERCENTILES).map((value, place) =>
        value === null || samples * (1 - PERCENTILES[place] / 100) < BEYOND - 1e-6 ? null : value / 1000,
      );
      return /** @type {[string, (number | null)[]]} */ ([label(target), curve]);
    }),
  );
  return new Map(found);
}

/** Where a percentile stands: as far from 99 to 99.9 as from 90 to 99. @param {number} percentile */
export const place = (percentile) => -Math.log10(1 - percentile / 100);

/** The benchmarks of an index with what this view shows: those at fixed rates first, of those the one that tells most, and
 * of such the newest. What push costs has a view of its own.
 * @param {Index} index @returns {{ file: string, scenarios: string[] }[]} */
export function benchmarks({ steps, costs }) {
  const scenarios = new Map(steps.map(({ name, scenario }) => [name, scenario]));
  /** @type {Map<string, string[]>} for each file the scenario of each of its costs */
  const found = new Map();
  for (const { file, step } of costs) {
    const scenario = scenarios.get(step);
    if (scenario && scenario !== "push") found.set(file, [...(found.get(file) ?? []), scenario]);
  }
  return [...found]
    .sort(([a, ofA], [b, ofB]) => rated(ofB) - rated(ofA) || ofB.length - ofA.length || (a < b ? 1 : -1))
    .map(([file, of]) => ({ file, scenarios: [...new Set(of)] }));
}

/** @param {string[]} scenarios */
const rated = (scenarios) => Number(scenarios.includes("rate"));

/** The steps at fixed rates, in ascending order, of the size of the one that is chosen. @param {BenchRun} run @param {Step | undefined} chosen @returns {Step[]} */
export function byRate({ steps }, chosen) {
  return steps
    .filter(
      ({ scenario, rate, size, deflate }) =>
        scenario === "rate" && rate !== null && size === chosen?.size && deflate === chosen.deflate,
    )
    .sort((a, b) => Number(a.rate) - Number(b.rate));
}

/** @param {BenchRun} run @param {Step[]} steps @returns {Map<string, (Estimate | null)[]>} the CPU time in each step, by label */
export function cpuByRate(run, steps) {
  return new Map(
    run.targets.map((target) => [
      label(target),
      steps.map(({ name }) => target.figures.find((one) => one.step === name)?.cpu ?? null),
    ]),
  );
}
