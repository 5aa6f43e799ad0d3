import assert from "node:assert/strict";
import { test } from "node:test";
import { rates, usual } from "../../js/results/steps.js";

const paced = (/** @type {number} */ rate) => ({ scenario: "rate", rate });
const full = { scenario: "saturation", rate: null };
const beside = { scenario: "slow", rate: 9000 };

test("one begins with the highest of the fixed rates", () => {
  assert.deepEqual(rates([full, paced(100), beside, paced(2000), paced(500)]), [paced(100), paced(2000), paced(500)]);
  assert.deepEqual(usual([full, paced(100), beside, paced(2000), paced(500)]), paced(2000));
});

test("where no rate is fixed one begins with the first step", () => {
  assert.equal(usual([full, beside]), full);
  assert.equal(usual([]), undefined);
});
