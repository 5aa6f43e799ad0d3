import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, literally, pieces, rangesIn } from "../../js/echo/pattern.js";

/** @param {string} pattern */
const expression = (pattern) => /** @type {{ expression: RegExp }} */ (compile(pattern)).expression;

test("a bad expression is said to be one, with what the engine says of it", () => {
  const compiled = compile("(a");
  assert.ok("error" in compiled);
  assert.equal(compiled.error.key, "search.bad");
  assert.match(String(compiled.error.params?.detail), /Unterminated group/);
});

test("a text is found as it is, whatever is special in it and whatever the case", () => {
  const special = "a.b*c+?^$|(){}[]\\/-";
  assert.deepEqual(rangesIn(literally(special), `x${special.toUpperCase()}y`), [[1, 1 + special.length]]);
  assert.equal(rangesIn(literally("a.c"), "abc"), null);
});

test("an expression finds every place, in order", () => {
  assert.deepEqual(rangesIn(expression("l+"), "Hello, wall"), [
    [2, 4],
    [9, 11],
  ]);
  assert.equal(rangesIn(expression("x"), "Hello"), null);
});

test("an empty match matches, and highlights nothing", () => {
  assert.deepEqual(rangesIn(expression("x*"), "aaa"), []);
});

test("a character beyond the basic plane is one character", () => {
  assert.deepEqual(rangesIn(expression("^.$"), "🙂"), [[0, 2]]);
});

test("places are highlighted up to a bound", () => {
  assert.equal(rangesIn(expression("a"), "a".repeat(1000))?.length, 200);
});

test("the pieces are the text, also where it was cut", () => {
  const of = (/** @type {string} */ text) =>
    pieces(text, [
      [1, 3],
      [4, 9],
    ]);
  assert.deepEqual(of("abcdefghijk"), [
    { text: "a", found: false },
    { text: "bc", found: true },
    { text: "d", found: false },
    { text: "efghi", found: true },
    { text: "jk", found: false },
  ]);
  for (const text of ["", "a", "ab", "abcde", "abcdefghi"])
    assert.equal(
      of(text)
        .map((piece) => piece.text)
        .join(""),
      text,
    );
});
