// Whether two targets differ: what echowall/bench/estimates.py says of the same rounds.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ratioOf } from "../../js/results/estimates.js";
import { fewer, less } from "../../js/results/differences.js";

/** @param {number[]} values */
const rounds = (...values) => new Map(values.map((value, place) => [place + 1, value]));
const ONES = rounds(1, 1, 1, 1, 1, 1);

test("twice as much in each of six rounds is distinguishable, and in five it is not", () => {
  const six = ratioOf(rounds(2, 2.1, 1.9, 2, 2.2, 1.8), ONES);
  assert.ok(six && Math.abs(six.ratio - 1.995) < 0.01 && six.low > 1.8 && six.high < 2.2);
  assert.deepEqual([six.distinguishable, less(six)], [true, "worse"]);
  const five = ratioOf(rounds(2, 2.1, 1.9, 2, 2.2), ONES);
  assert.deepEqual([five?.distinguishable, less(five)], [false, "unclear"]);
});

test("less is better", () => {
  assert.equal(less(ratioOf(rounds(0.5, 0.6, 0.4, 0.5, 0.5, 0.6), ONES)), "better");
});

test("one round against the others leaves six undecided", () => {
  assert.equal(less(ratioOf(rounds(2, 2, 2, 2, 2, 0.9), ONES)), "unclear");
});

test("only rounds that both have are compared, and without one there is nothing to say", () => {
  assert.equal(
    ratioOf(
      new Map([
        [1, 2],
        [7, 9],
      ]),
      ONES,
    )?.rounds,
    1,
  );
  assert.equal(ratioOf(new Map([[7, 9]]), ONES), null);
  assert.equal(less(null), "unclear");
});

test("the same rounds give the same interval each time", () => {
  assert.deepEqual(ratioOf(rounds(1, 2, 3), ONES), ratioOf(rounds(1, 2, 3), ONES));
});

test("fewer wrong answers are better", () => {
  assert.deepEqual([fewer(1, 2), fewer(2, 1), fewer(1, 1)], ["better", "worse", "same"]);
});
