// What came of each check for a stack: by each route, with its mends on and off.
import assert from "node:assert/strict";
import { test } from "node:test";
import { answersOf, causeOf } from "../../js/results/answers.js";
import { answered, mended, subjects, wrong } from "../../js/results/subjects.js";
import { summary } from "../../js/results/summary.js";
import { stack } from "../stack.js";
import { checkRun, examined } from "./runs.js";

const ON = checkRun(
  examined({ "text": "pass", "close-code": "pass" }),
  examined({ "text": "pass", "close-code": "fail" }, { via: "proxy" }),
);
const BARE = checkRun(examined({ "text": "fail", "close-code": "fail" }, { mends: "off" }));
const INDEX = {
  ...summary(ON, "on.json"),
  checks: [...summary(ON, "on.json").checks, ...summary(BARE, "bare.json").checks],
};
const RUNS = new Map([
  ["on.json", ON],
  ["bare.json", BARE],
]);

test("one route is enough to be wrong, and what only the mends make right is mended", () => {
  const [subject] = subjects([stack("alpha")], INDEX, []);
  assert.deepEqual([[...wrong(subject)], [...mended(subject)], answered(subject)], [["close-code"], ["text"], 2]);
  const answers = answersOf(subject, RUNS);
  assert.deepEqual(
    [...answers].map(([check, { standing, said }]) => [check, standing, said.length]),
    [
      ["text", "mended", 3],
      ["close-code", "wrong", 3],
    ],
  );
});

test("a run of one's own stands for itself, before what is published", () => {
  const own = { file: "own:1", name: "mine.json", run: BARE, index: summary(BARE, "own:1") };
  const [mine, published] = subjects([stack("alpha")], INDEX, [own]);
  assert.deepEqual([mine.key, mine.own, mine.title, published.key], ["own:1/alpha", "mine.json", "ALPHA", "alpha"]);
  assert.deepEqual([[...wrong(mine)], [...mended(mine)]], [["text", "close-code"], []]);
});

test("an endpoint of one's own is known by its address", () => {
  const run = checkRun(examined({ text: "pass" }, { name: "wss://example.org/", via: null, mends: null }));
  const [mine] = subjects([], INDEX, [{ file: "own:1", name: "a.json", run, index: summary(run, "own:1") }]);
  assert.deepEqual([mine.title, mine.service, wrong(mine).size], ["wss://example.org/", null, 0]);
});

test("the cause is that of the catalog", () => {
  const known = [{ checks: ["text"], outcome: "silence", reason: "Because.", link: "https://example.org" }];
  const [subject] = subjects([stack("alpha", { known })], INDEX, []);
  assert.equal(causeOf(subject, "text").known?.reason, "Because.");
  assert.deepEqual(causeOf(subject, "close-code"), { known: null, mend: null });
});
