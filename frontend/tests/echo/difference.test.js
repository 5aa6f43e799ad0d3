import assert from "node:assert/strict";
import { test } from "node:test";
import { difference } from "../../js/echo/difference.js";
import { Numeral, parseJson } from "../../js/echo/json-tree.js";

test("a difference is one run between what is the same", () => {
  assert.deepEqual(difference("Hello, wall!", "Hello, well!"), {
    unit: "characters",
    at: 8,
    before: "Hello, w",
    sent: "a",
    received: "e",
    after: "ll!",
  });
});

test("what is added, left out or cut off is a difference, and repeats are not counted twice", () => {
  const runs = [
    ["aa", "aaa"],
    ["aaa", "aa"],
    ["hello", "he"],
    ["", "x"],
  ].map(([sent, received]) => {
    const found = difference(sent, received);
    return [found?.at, found?.sent, found?.received, found?.after];
  });
  assert.deepEqual(runs, [
    [2, "", "a", ""],
    [2, "a", "", ""],
    [2, "llo", "", ""],
    [0, "", "x", ""],
  ]);
});

test("characters are not broken, and other content is compared by its bytes", () => {
  assert.equal(difference("a🏮", "a🏯")?.sent, "🏮");
  const found = difference(new Uint8Array([0xff, 1, 2]), new Uint8Array([0xff, 3, 2]));
  assert.deepEqual(
    [found?.unit, found?.before, found?.sent, found?.received, found?.after],
    ["bytes", "ff", "01", "03", "02"],
  );
});

test("the same content is no difference, whatever its type", () => {
  assert.equal(difference("hi", "hi"), null);
  assert.equal(difference(new Uint8Array([0x68, 0x69]), "hi"), null);
});

test("a long difference is shown at its beginning, with a little of what is the same", () => {
  const same = "s".repeat(1000);
  const found = difference(`${same}${"a".repeat(1000)}${same}`, `${same}b${same}`);
  assert.deepEqual(
    [found?.before.length, found?.sent.length, found?.received, found?.after.length],
    [40, 401, "b", 40],
  );
});

test("JSON keeps its numbers as they are written where the engine tells their source", () => {
  const parsed = parseJson('{"id": 12345678901234567890, "n": null}');
  const { id, n } = /** @type {any} */ (parsed?.value);
  assert.equal(n, null);
  assert.equal(id instanceof Numeral ? id.source : "12345678901234567890", "12345678901234567890");
  assert.equal(parseJson("{"), null);
});
