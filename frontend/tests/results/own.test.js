// A file of one's own: a run is taken, and anything else gives a sentence that says what is wrong.
import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "../../js/i18n/en.js";
import { BadFile, readRun } from "../../js/results/own.js";
import { checkRun, examined } from "./runs.js";

const RUN = checkRun(examined({ "text": "pass", "close-code": "fail" }));

/** @param {string} text @returns {[string, Record<string, unknown>]} */
function refusal(text) {
  try {
    readRun("mine.json", text);
  } catch (error) {
    assert.ok(error instanceof BadFile, String(error));
    assert.ok(error.sentence.key in en, error.sentence.key);
    return [error.sentence.key, error.sentence.params ?? {}];
  }
  return assert.fail("it was taken");
}

test("a run is taken as it is", () => {
  assert.deepEqual(readRun("mine.json", JSON.stringify(RUN)), RUN);
});

test("what is no run is told apart", () => {
  for (const [text, key] of [
    ["", "own.empty"],
    [" \n", "own.empty"],
    ['{"kind": "check"', "own.notJson"],
    ["null", "own.noRun"],
    ["[]", "own.noRun"],
    ['"check"', "own.noRun"],
    ['{"kind": "other"}', "own.noRun"],
    ['{"kind": "constructor"}', "own.noRun"],
    ['{"schema": 2, "before": "a", "after": "b", "changes": []}', "own.changes"],
    [JSON.stringify({ ...RUN, schema: 1 }), "own.schema"],
    [JSON.stringify({ ...RUN, targets: [] }), "own.nothing"],
  ]) {
    assert.equal(refusal(text)[0], key, text);
  }
});

test("a damaged file says where", () => {
  const changed = (/** @type {(run: any) => void} */ change) => {
    const run = structuredClone(RUN);
    change(run);
    return refusal(JSON.stringify(run));
  };
  assert.deepEqual(
    [
      changed((run) => delete run.machine),
      changed((run) => (run.checks = {})),
      changed((run) => (run.targets[0].via = "tunnel")),
      changed((run) => (run.targets[0].results[1].verdict = "great")),
      changed((run) => (run.targets[0].results[1] = null)),
      changed((run) => (run.checks[0].expects = [1])),
    ].map(([key, { where }]) => [key, where]),
    [
      "machine",
      "checks",
      "targets[0].via",
      "targets[0].results[1].verdict",
      "targets[0].results[1]",
      "checks[0].expects[0]",
    ].map((where) => ["own.damaged", where]),
  );
});

test("a run of one kind is not one of another", () => {
  for (const kind of ["conformance", "bench"])
    assert.equal(refusal(JSON.stringify({ ...RUN, kind }))[0], "own.damaged");
});
