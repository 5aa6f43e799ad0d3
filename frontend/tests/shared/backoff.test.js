import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../../js/shared/backoff.js";

test("the wait doubles up to a ceiling", () => {
  const longest = [1, 2, 3, 4, 5, 6, 60].map((attempt) => backoff(attempt, () => 1));
  assert.deepEqual(longest, [1000, 2000, 4000, 8000, 15000, 15000, 15000]);
});

test("half of the wait is random", () => {
  assert.equal(
    backoff(3, () => 0),
    2000,
  );
  assert.equal(
    backoff(3, () => 0.5),
    3000,
  );
});
