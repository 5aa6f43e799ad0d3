import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDay } from "../../js/shared/format.js";

test("a day is that day, wherever one is", () => {
  assert.equal(formatDay("2026-11-09", "en"), "9 Nov 2026");
  assert.equal(formatDay("2026-11-09", "zh"), "2026年11月9日");
  assert.equal(formatDay("some day", "en"), "some day");
});
