import assert from "node:assert/strict";
import { test } from "node:test";
import { points, summarise } from "../../js/echo/sparkline.js";
import { formatDuration, formatSize } from "../../js/shared/format.js";

test("the line is summed up in words", () => {
  assert.deepEqual(summarise([3, 1, 2]), { last: 2, median: 2, longest: 3, count: 3 });
});

test("the line goes from edge to edge, the longest at the top", () => {
  assert.equal(points([0, 10, 5]), "0.0,26.0 60.0,2.0 120.0,14.0");
  assert.equal(points([4]), "0.0,2.0 120.0,2.0");
  assert.equal(points([0, 0]), "0.0,26.0 120.0,26.0");
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
