import assert from "node:assert/strict";
import { test } from "node:test";
import { Pairing } from "../../js/echo/rtt.js";

test("echoes are paired first in, first out", () => {
  const pairing = new Pairing();
  pairing.sent("same", 0, "first");
  pairing.sent("same", 5, "second");
  assert.deepEqual(pairing.received("same", 10), { item: "first", rtt: 10 });
  assert.deepEqual(pairing.received("same", 11), { item: "second", rtt: 6 });
  assert.equal(pairing.received("same", 12), null);
});

test("a phantom empty message is paired with nothing", () => {
  const pairing = new Pairing();
  pairing.sent("hello", 0, "hello");
  assert.equal(pairing.received("", 1), null);
  assert.deepEqual(pairing.received("hello", 2), { item: "hello", rtt: 2 });
});

test("a lost message does not shift the others", () => {
  const pairing = new Pairing();
  pairing.sent("lost", 0, "lost");
  pairing.sent("kept", 1, "kept");
  assert.deepEqual(pairing.received("kept", 3), { item: "kept", rtt: 2 });
});

test("binary that comes back as text is paired, and other binary only with itself", () => {
  const pairing = new Pairing();
  pairing.sent(new Uint8Array([0x68, 0x69]), 0, "hi");
  pairing.sent(new Uint8Array([0xff, 1]), 0, "ff01");
  assert.equal(pairing.received(new Uint8Array([0xff, 2]), 1), null);
  assert.equal(pairing.received("hi", 1)?.item, "hi");
  assert.equal(pairing.received(new Uint8Array([0xff, 1]), 1)?.item, "ff01");
});

test("a server that never echoes does not fill the memory", () => {
  const pairing = new Pairing();
  for (let i = 0; i < 30_000; i++) pairing.sent(`${i}`, i, i);
  assert.equal(pairing.received("0", 1), null);
  assert.equal(pairing.received("29999", 30_000)?.item, 29_999);
});

test("what was sent over a lost connection is forgotten", () => {
  const pairing = new Pairing();
  pairing.sent("a", 0, "a");
  pairing.reset();
  assert.equal(pairing.received("a", 1), null);
});
