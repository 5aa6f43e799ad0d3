// What each column of Compare has of a stack, and in what order it puts them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "../../js/i18n/en.js";
import { COLUMNS, USUAL, sorted } from "../../js/compare/columns.js";
import { subjects } from "../../js/results/subjects.js";
import { stack } from "../stack.js";

const CPU = { mean: 40, low: 35, high: 45, rounds: 6 };
/** @param {string} name @param {object} facts @returns {any} */
const cost = (name, facts = {}) => ({
  file: "bench/a.json",
  name,
  label: name,
  plain: true,
  step: "64 B at 1000/s",
  rounds: 6,
  throughput: 1000,
  p50: 500,
  p99: 900,
  cpu: CPU,
  memory: CPU,
  socket_memory: null,
  ...facts,
});
/** @param {string} name @param {object} facts @returns {any} */
const answers = (name, facts = {}) => ({
  file: "check/a.json",
  name,
  via: "direct",
  mends: "on",
  right: 8,
  wrong: [],
  absent: [],
  other: 0,
  ...facts,
});
/** @type {any} */
const INDEX = {
  groups: { closing: ["close-code", "close-echo"], compression: ["deflate"] },
  checks: [
    answers("a", { wrong: ["close-code", "text"] }),
    answers("b", { absent: ["deflate"] }),
    answers("b", { mends: "off", wrong: ["text"] }),
  ],
  conformance: [{ file: "", name: "b", via: "direct", mends: "on", right: 9, wrong: ["7.1.5"], absent: 0, other: 0 }],
  steps: [],
  costs: [cost("a"), cost("b", { cpu: { ...CPU, mean: 20 } }), cost("c", { cpu: null })],
};
const SERVICES = [
  stack("a"),
  stack("b", { mended: [{ checks: ["text"] }], limits: { max_message: 1024 } }),
  stack("c", { limits: {} }),
];
const CONTEXT = { groups: INDEX.groups, steps: [], step: "64 B at 1000/s" };
const ALL = subjects(
  SERVICES.map((one) => ({ ...one, limits: one.limits ?? {} })),
  INDEX,
  [],
);

/** @param {string} column */
const values = (column) =>
  ALL.map((subject) => COLUMNS[column].value(subject, CONTEXT)).map(({ state, sort }) =>
    state === "measured" ? sort : state,
  );

test("counts are those of the index, and what was not asked is not 0", () => {
  assert.deepEqual(values("wrong"), [2, 0, "unmeasured"]);
  assert.deepEqual(values("mended"), [0, 1, "unmeasured"]);
  assert.deepEqual(values("closing"), [1, 0, "unmeasured"]);
  assert.deepEqual(values("conformance"), ["unmeasured", 1, "unmeasured"]);
  assert.deepEqual(values("deflate"), [0, 2, "unmeasured"]);
});

test("a cost is measured, withheld, or not measured", () => {
  assert.deepEqual(values("cpu"), [40, 20, "withheld"]);
  assert.deepEqual(values("p99"), [900, 900, 900]);
  assert.deepEqual(values("socket"), ["unmeasured", "unmeasured", "unmeasured"]);
});

test("mends that no run was without are not known", () => {
  const [subject] = subjects([stack("a", { mended: [{ checks: ["text"] }] })], INDEX, []);
  assert.equal(COLUMNS.mended.value(subject, CONTEXT).state, "unmeasured");
});

test("what has no value comes last, whichever way it goes", () => {
  const names = (/** @type {boolean} */ descending) =>
    sorted(ALL, "cpu", descending, CONTEXT, "en").map(({ key }) => key);
  assert.deepEqual(
    [names(false), names(true)],
    [
      ["b", "a", "c"],
      ["a", "b", "c"],
    ],
  );
  assert.deepEqual(
    sorted(ALL, "largest", true, CONTEXT, "en").map(({ key }) => key),
    ["a", "c", "b"],
  );
  assert.deepEqual(sorted(ALL, "constructor", true, CONTEXT, "en"), ALL);
});

test("every column has its name and what it is about", () => {
  for (const column of [...Object.keys(COLUMNS), "title"]) {
    assert.ok(en[`column.${column}`] && en[`column.${column}.about`], column);
  }
  assert.ok(USUAL.every((column) => column in COLUMNS));
});
