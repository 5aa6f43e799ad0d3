import assert from "node:assert/strict";
import { test } from "node:test";
import { again } from "../../js/shared/again.js";

/** @param {number} times how often it fails before it comes */
function failing(times) {
  let attempts = 0;
  return async () => {
    attempts++;
    if (attempts <= times) throw new Error(`attempt ${attempts} failed`);
    return attempts;
  };
}

test("what comes is not asked for again", async () => {
  assert.equal(await again(failing(0), [0, 0]), 1);
});

test("what does not come is asked for again", async () => {
  assert.equal(await again(failing(1), [0, 0]), 2);
  assert.equal(await again(failing(2), [0, 0]), 3);
});

test("what never comes fails as the last attempt did", async () => {
  await assert.rejects(again(failing(3), [0, 0]), { message: "attempt 3 failed" });
});
