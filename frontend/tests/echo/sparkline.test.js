import assert from "node:assert/strict";
import { test } from "node:test";
import { longest, points } from "../../js/echo/sparkline.js";
import { formatDuration, formatSize } from "../../js/shared/format.js";
import { summarise } from "../../js/shared/percentiles.js";

test("the line is summed up in words", () => {
  assert.deepEqual(summarise([3, 1, 2]), { last: 2, p50: 2, p95: 3, longest: 3, count: 3 });
});

test("percentiles are those of the nearest rank", () => {
  const { p50, p95 } = summarise(Array.from({ length: 200 }, (_, i) => 200 - i));
  assert.deepEqual([p50, p95], [100, 190]);
  assert.deepEqual([summarise([7]).p50, summarise([7]).p95], [7, 7]);
});

test("the line goes from edge to edge", () => {
  assert.equal(points([0, 10, 5], 10), "0.0,26.0 60.0,2.0 120.0,14.0");
  assert.equal(points([4], 4), "0.0,2.0 120.0,2.0");
  assert.equal(points([0, 0], 0), "0.0,26.0 120.0,26.0");
});

test("of two lines the one that goes higher sets the scale", () => {
  const highest = Math.max(longest([5]), longest([20, 10]));
  assert.equal(points([5], highest), "0.0,20.0 120.0,20.0");
});

test("a long time that the line does not show any more does not set its scale", () => {
  assert.equal(longest([1000, ...Array(120).fill(5)]), 5);
  assert.equal(longest([]), 0);
});

test("sizes and times are short", () => {
  assert.deepEqual([0, 1023, 1024, 1536, 1048576, 16 * 1048576].map(formatSize), [
    "0 B",
    "1023 B",
    "1 KiB",
    "1.5 KiB",
    "1 MiB",
    "16 MiB",
  ]);
  assert.deepEqual([0.34, 12.6, 9999, 12_340].map(formatDuration), ["0.3 ms", "13 ms", "9999 ms", "12.3 s"]);
});
