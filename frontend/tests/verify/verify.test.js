import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { PATIENCE, Verifier, compare } from "../../js/verify/verify.js";

/** @typedef {import("../../js/verify/verify.js").Finding} Finding */

/** @type {Record<string, Finding>} the last finding on each message, by what the test calls it */
let found = {};
/** @type {Verifier<string>} */
let verifier;
beforeEach(() => {
  found = {};
  verifier = new Verifier((item, finding) => (found[item] = finding));
});

/** How each message that something was found of went. */
const hows = () => Object.fromEntries(Object.entries(found).map(([item, { how }]) => [item, how]));

/** @param {number[]} bytes */
const binary = (...bytes) => new Uint8Array(bytes);

test("an answer is the same only if its content and its type are", () => {
  assert.equal(compare("hi", "hi"), "same");
  assert.equal(compare("", ""), "same");
  assert.equal(compare(binary(0xff, 1), binary(0xff, 1)), "same");
  assert.equal(compare(binary(), binary()), "same");
  assert.equal(compare(binary(0x68, 0x69), "hi"), "type");
  assert.equal(compare("回", binary(0xe5, 0x9b, 0x9e)), "type");
  assert.equal(compare(binary(), ""), "type");
});

test("a beginning is cut short, of either type, and nothing is not a beginning", () => {
  assert.equal(compare("hello", "hell"), "cut");
  assert.equal(compare(binary(1, 2, 3), binary(1, 2)), "cut");
  assert.equal(compare(binary(0x68, 0x69), "h"), "cut");
  assert.equal(compare("hello", ""), "altered");
  assert.equal(compare(binary(1), binary()), "altered");
});

test("anything else is altered", () => {
  assert.equal(compare("hello", "Hello"), "altered");
  assert.equal(compare("hello", "hello!"), "altered");
  assert.equal(compare("é", "e\u0301"), "altered");
  assert.equal(compare("\ufeffa", "a"), "altered");
  assert.equal(compare(binary(1, 2), binary(1, 3)), "altered");
  assert.equal(compare(binary(1), binary(1, 0)), "altered");
  assert.equal(compare("", "\0"), "altered");
});

test("echoes of equal messages are told apart first in, first out", () => {
  verifier.sent("same", 0, "first");
  verifier.sent("same", 5, "second");
  verifier.received("same", 10, "echo 1");
  verifier.received("same", 11, "echo 2");
  verifier.received("same", 12, "echo 3");
  assert.deepEqual(found["echo 1"], { how: "same", sent: "same", rtt: 10 });
  assert.deepEqual(found["echo 2"], { how: "same", sent: "same", rtt: 6 });
  assert.deepEqual(found["first"], { how: "echoed", rtt: 10 });
  assert.equal(found["echo 3"].how, "unasked");
});

test("of text and binary of the same content each is echoed by its own type", () => {
  verifier.sent("hi", 0, "text");
  verifier.sent(binary(0x68, 0x69), 1, "bytes");
  verifier.received(binary(0x68, 0x69), 2, "echo of bytes");
  verifier.received("hi", 3, "echo of text");
  assert.deepEqual(hows(), { "bytes": "echoed", "echo of bytes": "same", "text": "echoed", "echo of text": "same" });
});

test("bytes with the same length and hash are not the same", () => {
  // FNV-1a of 32 bits, which finds the candidates, is the same of these two.
  const [one, two] = [binary(0xff, 0xa5, 0x6a, 0x9d, 0x3b, 0x01), binary(0xff, 0x71, 0xd6, 0x0b, 0x1b, 0xa3)];
  verifier.sent(one, 0, "one");
  verifier.received(two, 1, "echo");
  assert.equal(found["echo"].how, "altered");
});

test("a phantom is unasked, before the echo and after it", () => {
  verifier.received("", 0, "greeting");
  verifier.sent("hello", 1, "hello");
  verifier.received("", 2, "phantom");
  verifier.received("hello", 3, "echo");
  verifier.received("", 4, "another phantom");
  assert.deepEqual(hows(), {
    "greeting": "unasked",
    "phantom": "unasked",
    "hello": "echoed",
    "echo": "same",
    "another phantom": "unasked",
  });
});

test("what was taken for an altered echo is unasked once the echo comes", () => {
  verifier.sent("hello", 0, "hello");
  verifier.received("\0", 1, "fragment 1");
  verifier.received("\0", 1, "fragment 2");
  assert.deepEqual(hows(), { "fragment 1": "altered", "fragment 2": "unasked" });
  verifier.received("hello", 2, "echo");
  assert.deepEqual(hows(), { "fragment 1": "unasked", "fragment 2": "unasked", "hello": "echoed", "echo": "same" });
});

test("answers that are all altered are those to the messages in turn", () => {
  for (const text of ["one", "two"]) verifier.sent(text, 0, text);
  verifier.received("ONE", 1, "answer 1");
  verifier.received("TWO", 2, "answer 2");
  assert.deepEqual(found, {
    "answer 1": { how: "altered", sent: "one", rtt: 1 },
    "answer 2": { how: "altered", sent: "two", rtt: 2 },
  });
});

test("a beginning is the answer to the message that it begins", () => {
  verifier.sent("another", 0, "another");
  verifier.sent("hello", 0, "hello");
  verifier.received("hell", 1, "cut");
  assert.deepEqual(found["cut"], { how: "cut", sent: "hello", rtt: 1 });
});

test("a lost message shifts neither the echoes of others nor what is altered", () => {
  for (const text of ["lost", "kept", "changed"]) verifier.sent(text, 0, text);
  verifier.received("kept", 1, "echo");
  verifier.received("CHANGED", 2, "answer");
  assert.deepEqual(found["echo"], { how: "same", sent: "kept", rtt: 1 });
  assert.deepEqual(found["answer"], { how: "altered", sent: "changed", rtt: 2 });
});

test("what is not answered in time is told, and its echo may still come", () => {
  verifier.sent("slow", 0, "slow");
  verifier.sent("later", 1000, "later");
  assert.equal(verifier.expire(PATIENCE - 1), PATIENCE);
  assert.deepEqual(found, {});
  assert.equal(verifier.expire(PATIENCE), PATIENCE + 1000);
  assert.deepEqual(hows(), { slow: "none" });
  verifier.received("a push", PATIENCE + 500, "push");
  assert.equal(found["push"].how, "altered", "the oldest that still waits is the later one");
  verifier.received("slow", PATIENCE + 600, "echo");
  assert.equal(found["slow"].how, "echoed");
  assert.equal(verifier.expire(3 * PATIENCE), null);
});

test("what was sent over a lost connection is unanswered, and nothing after it is its echo", () => {
  for (const text of ["answered", "a"]) verifier.sent(text, 0, text);
  verifier.received("answered", 1, "echo");
  verifier.end();
  assert.deepEqual(hows(), { answered: "echoed", echo: "same", a: "ended" });
  verifier.received("a", 2, "elsewhere");
  assert.equal(found["elsewhere"].how, "unasked");
  assert.equal(verifier.expire(10 * PATIENCE), null);
});

test("a server that never echoes does not fill the memory", () => {
  for (let i = 0; i < 30_000; i++) verifier.sent(`${i}`, i, `${i}`);
  verifier.received("29999", 30_000, "late");
  assert.deepEqual(found["late"], { how: "same", sent: "29999", rtt: 1 });
  verifier.end();
  assert.equal(Object.values(found).filter(({ how }) => how === "ended").length, 19_999);
});
