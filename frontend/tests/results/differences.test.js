// How one subject compares with another: only by what both were asked.
import assert from "node:assert/strict";
import { test } from "node:test";
import { answeredChecks, otherwise } from "../../js/results/differences.js";
import { subjects } from "../../js/results/subjects.js";
import { summary } from "../../js/results/summary.js";
import { stack } from "../stack.js";
import { checkRun, examined } from "./runs.js";

/** @param {Record<string, boolean>} answers */
const answered = (answers) => new Map(Object.entries(answers));

test("who was asked less is not better for that, and who was asked more is not either", () => {
  const found = otherwise(
    answered({ a: true, b: false }),
    answered({ a: true, b: false, c: false, d: false }),
    () => true,
  );
  assert.deepEqual(found, { worse: [], better: [], asked: 2 });
  const more = otherwise(answered({ a: true, c: true, d: false }), answered({ a: true }), () => true);
  assert.deepEqual(more, { worse: [], better: [], asked: 1 });
});

test("each has what it alone is wrong in, of what is meant", () => {
  const [mine, its] = [answered({ a: true, b: false, c: false }), answered({ a: false, b: true, c: true })];
  assert.deepEqual(
    otherwise(mine, its, (id) => id !== "c"),
    { worse: ["b"], better: ["a"], asked: 2 },
  );
});

test("what a stack does not have counts for nobody", () => {
  const run = checkRun(examined({ "text": "pass", "close-code": "unsupported" }));
  const [subject] = subjects([stack("alpha")], summary(run, "a.json"), []);
  assert.deepEqual([...answeredChecks(subject, new Map([["a.json", run]]))], [["text", true]]);
});
