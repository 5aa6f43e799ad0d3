// Histograms as Python's hdrh encodes them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, merged, percentiles } from "../../js/results/histogram.js";

// Three times 500 µs and once 1 s, in nanoseconds, by hdrh 0.10.3 with 3 digits.
const ENCODED = "HISTFAAAACl4nJNpmSzMwMDAwQABzFCaEYh5f7hHMNh/gAgcnMfItnA9IxMAfioG3w==";

test("each value has its count, to three digits", async () => {
  assert.deepEqual(await decode(ENCODED), [
    [500223, 3],
    [1000341503, 1],
  ]);
});

test("percentiles are those of hdrh", async () => {
  assert.deepEqual(
    percentiles(await decode(ENCODED), [0, 50, 75, 99, 100]),
    [500223, 500223, 500223, 1000341503, 1000341503],
  );
  assert.deepEqual(percentiles([], [50]), [null]);
});

test("several are merged", async () => {
  const one = await decode(ENCODED);
  assert.deepEqual(merged([one, [[7, 1]], one]), [
    [7, 1],
    [500223, 6],
    [1000341503, 2],
  ]);
});

test("something else is refused", async () => {
  for (const text of ["", "no base64!", "AAAA", btoa("0123456789012345678901234567890123456789")]) {
    await assert.rejects(decode(text), text);
  }
});
