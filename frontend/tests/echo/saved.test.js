import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { keepSaved, loadSaved, withSaved } from "../../js/echo/saved.js";

/** @type {Map<string, string>} */
let storage;
beforeEach(() => {
  storage = new Map();
  Object.defineProperty(globalThis, "localStorage", {
    configurable: true,
    value: {
      getItem: (/** @type {string} */ key) => storage.get(key) ?? null,
      setItem: (/** @type {string} */ key, /** @type {string} */ value) => storage.set(key, value),
    },
  });
});

/** @param {string} text */
const message = (text) => ({ kind: /** @type {const} */ ("text"), text });

test("what is kept is loaded", () => {
  assert.deepEqual(loadSaved(), []);
  assert.ok(keepSaved([message("hello")]));
  assert.deepEqual(loadSaved(), [message("hello")]);
});

test("a message is kept once, the latest last, and no more than fifty of them", () => {
  const saved = withSaved(withSaved([message("one"), message("two")], message("one")), { kind: "hex", text: "one" });
  assert.deepEqual(saved, [message("two"), message("one"), { kind: "hex", text: "one" }]);
  const many = Array.from({ length: 60 }, (_, i) => message(`${i}`)).reduce(withSaved, []);
  assert.deepEqual([many.length, many[0].text], [50, "10"]);
});

test("what is no list of messages is left out", () => {
  for (const kept of ["{", "null", '"text"', '{"kind": "text"}']) {
    storage.set("echo-wall-saved", kept);
    assert.deepEqual(loadSaved(), []);
  }
  storage.set(
    "echo-wall-saved",
    '[{"kind": "text", "text": "a"}, {"kind": "file", "text": "b"}, 3, null, {"kind": "hex"}]',
  );
  assert.deepEqual(loadSaved(), [message("a")]);
});

test("a browser that keeps nothing is no error", () => {
  const forbidden = () => {
    throw new Error("forbidden");
  };
  Object.defineProperty(globalThis, "localStorage", { configurable: true, get: forbidden });
  assert.deepEqual(loadSaved(), []);
  assert.equal(keepSaved([]), false);
});
