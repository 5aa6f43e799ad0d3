// Which steps of a benchmark are compared by their CPU time and latency.

/** @typedef {import("./model.js").Step} Step */

/** Those at fixed rates. @template {Pick<Step, "scenario" | "rate">} T @param {T[]} steps @returns {T[]} */
export function rates(steps) {
  return steps.filter(({ scenario, rate }) => scenario === "rate" && rate !== null);
}

/** The one to begin with: at the highest rate, where a message costs what it costs under load. @template {Pick<Step, "scenario" | "rate">} T @param {T[]} steps @returns {T | undefined} the first where none is at a fixed rate */
export function usual(steps) {
  const highest = Math.max(...rates(steps).map(({ rate }) => Number(rate)));
  return rates(steps).find(({ rate }) => rate === highest) ?? steps[0];
}
