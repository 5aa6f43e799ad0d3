// How one subject compares with another, in one quantity.
import { answersOf, casesOf } from "./answers.js";
import { decode, percentiles } from "./histogram.js";
import { ratioOf } from "./estimates.js";
import { label } from "./summary.js";

/** @typedef {import("./model.js").BenchRun} BenchRun */
/** @typedef {import("./model.js").Cost} Cost */
/** @typedef {import("./model.js").Measurement} Measurement */
/** @typedef {import("./model.js").Run} Run */
/** @typedef {import("./subjects.js").Subject} Subject */
/** @typedef {import("./estimates.js").Ratio} Ratio */
/** @typedef {"better" | "worse" | "same" | "unclear" | "elsewhere"} Word `unclear`: they cannot be told apart; `elsewhere`: the figures are of other runs */

/** Of two counts of what is wrong. @param {number} count @param {number} other @returns {Word} */
export function fewer(count, other) {
  return count < other ? "better" : count > other ? "worse" : "same";
}

/** @param {Ratio | null} ratio of which less is better @returns {Word} */
export function less(ratio) {
  if (ratio === null || !ratio.distinguishable) return "unclear";
  return ratio.ratio < 1 ? "better" : "worse";
}

/** @typedef {Map<string, boolean>} Answered whether each answer was right, by the ids of the questions that were answered */

/** The checks that were answered, right or wrong. @param {Subject} subject @param {Map<string, Run>} runs by file @returns {Answered} */
export function answeredChecks(subject, runs) {
  return new Map(
    [...answersOf(subject, runs)].flatMap(([check, { standing }]) =>
      ["right", "mended", "wrong"].includes(standing) ? [[check, standing !== "wrong"]] : [],
    ),
  );
}

/** The cases that passed or failed. @param {Subject} subject @param {Map<string, Run>} runs by file @returns {Answered} */
export function answeredCases(subject, runs) {
  return new Map(
    casesOf(subject, runs).flatMap(({ case: id, verdict }) =>
      verdict === "pass" || verdict === "fail" ? [[id, verdict === "pass"]] : [],
    ),
  );
}

/** Of the questions that both answered: those that only the one, or only the other, answered wrongly. Who was asked less
 * is not better for that. @param {Answered} mine @param {Answered} its @param {(id: string) => boolean} isMeant
 * @returns {{ worse: string[], better: string[], asked: number }} */
export function otherwise(mine, its, isMeant) {
  const both = [...mine.keys()].filter((id) => its.has(id) && isMeant(id));
  return {
    worse: both.filter((id) => !mine.get(id) && its.get(id)),
    better: both.filter((id) => mine.get(id) && !its.get(id)),
    asked: both.length,
  };
}

/** @type {Record<string, { withheld: string, of: (one: Measurement) => number | null | Promise<number | null> }>} */
const OF_ROUND = {
  cpu: { withheld: "cost", of: ({ cpu }) => cpu },
  memory: { withheld: "", of: ({ memory }) => memory },
  socket: { withheld: "", of: ({ socket_memory }) => socket_memory },
  median: { withheld: "latency", of: async ({ latency }) => percentiles(await decode(latency), [50])[0] },
  p99: { withheld: "latency", of: async ({ latency }) => percentiles(await decode(latency), [99])[0] },
};

/** The ratio of two costs of one run, round by round. @param {BenchRun} run @param {string} quantity of Compare's columns
 * @param {Cost} cost @param {Cost} other @returns {Promise<Ratio | null>} */
export async function ratio(run, quantity, cost, other) {
  return ratioOf(await byRound(run, quantity, cost), await byRound(run, quantity, other));
}

/** @param {BenchRun} run @param {string} quantity @param {Cost} cost @returns {Promise<Map<number, number>>} */
async function byRound(run, quantity, cost) {
  const target = run.targets.find((one) => label(one) === cost.label);
  const { withheld, of } = OF_ROUND[quantity];
  const measured = (target?.measurements ?? []).filter(
    ({ step, refusals }) =>
      step === cost.step && !refusals.some((one) => one.withheld === "everything" || one.withheld === withheld),
  );
  const values = await Promise.all(measured.map(async (one) => /** @type {const} */ ([one.round, await of(one)])));
  return new Map(values.flatMap(([round, value]) => (value === null ? [] : [[round, value]])));
}
