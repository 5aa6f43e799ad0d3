import assert from "node:assert/strict";
import { test } from "node:test";
import { BOUNDS, kindOf, messagesOf, parse } from "../../js/race/course.js";
import { byteLength } from "../../js/verify/payload.js";

test("a number outside its bounds is none, and no number is the usual one", () => {
  for (const name of /** @type {const} */ (["count", "size", "atOnce"])) {
    const { least, most, usual } = BOUNDS[name];
    assert.equal(parse(name, undefined), usual);
    assert.equal(parse(name, ""), usual);
    assert.equal(parse(name, String(most)), most);
    for (const text of [String(most + 1), String(least - 1), "-1", "1.5", "1e2", "?", " 7", "０"]) {
      assert.equal(parse(name, text), null, `${name}: ${text}`);
    }
  }
});

test("each message has its size and kind, and is another than the one before", () => {
  for (const size of [4, 64, 65_536]) {
    const texts = messagesOf({ count: 100, size, kind: "text", atOnce: 1 });
    const binaries = messagesOf({ count: 100, size, kind: "binary", atOnce: 1 });
    assert.ok(texts.every((message) => typeof message === "string" && byteLength(message) === size));
    assert.ok(binaries.every((message) => message instanceof Uint8Array && message.length === size));
    assert.equal(new Set(texts).size, 100);
    assert.equal(new Set(binaries.map(String)).size, 100);
  }
});

test("the mixed kind has all of them in turn, and an unknown kind is text", () => {
  const mixed = messagesOf({ count: 6, size: 3, kind: "mixed", atOnce: 1 });
  assert.deepEqual(
    mixed.map((message) => (message === "" ? "empty" : typeof message)),
    ["string", "object", "empty", "string", "object", "empty"],
  );
  assert.equal(kindOf("nope"), "text");
});
