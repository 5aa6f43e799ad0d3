import assert from "node:assert/strict";
import { test } from "node:test";
import { benchmarks } from "../../js/cost/curves.js";

const steps = [
  { name: "64 B at 2000/s", scenario: "rate" },
  { name: "64 B, 1 in flight", scenario: "saturation" },
  { name: "poll every 5 s, nothing said", scenario: "push" },
];

/** @param {string} file @param {number} of */
const cost = (file, of) => ({ file, step: steps[of].name });

test("benchmarks at fixed rates come first, of those what tells most, then the newest; push has a view of its own", () => {
  const costs = [cost("1", 0), cost("4", 1), cost("2", 0), cost("2", 1), cost("5", 2), cost("3", 1), cost("6", 0)];

  assert.deepEqual(benchmarks(/** @type {any} */ ({ steps, costs })), [
    { file: "2", scenarios: ["rate", "saturation"] },
    { file: "6", scenarios: ["rate"] },
    { file: "1", scenarios: ["rate"] },
    { file: "4", scenarios: ["saturation"] },
    { file: "3", scenarios: ["saturation"] },
  ]);
});

test("without a benchmark there is none", () => {
  assert.deepEqual(benchmarks(/** @type {any} */ ({ steps: [], costs: [] })), []);
});
