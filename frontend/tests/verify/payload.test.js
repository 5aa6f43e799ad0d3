import assert from "node:assert/strict";
import { test } from "node:test";
import {
  byteLength,
  checkJson,
  hexDump,
  parseHex,
  parseProtocols,
  prettyJson,
  textOf,
} from "../../js/verify/payload.js";

test("hex takes digits in pairs, however they are set apart", () => {
  for (const text of ["00ff80", "00 ff 80", "00:FF:80", "0x00, 0xff, 0x80", " 00\nff\t80 "]) {
    assert.deepEqual(parseHex(text), { data: new Uint8Array([0, 255, 128]) });
  }
});

test("no hex at all is an empty message", () => {
  assert.deepEqual(parseHex(" "), { data: new Uint8Array(0) });
});

test("what is not a hex digit is named", () => {
  assert.deepEqual(parseHex("12 g4"), { error: { key: "error.hexDigit", params: { digit: "g" } } });
  assert.deepEqual(parseHex("🏮"), { error: { key: "error.hexDigit", params: { digit: "🏮" } } });
});

test("half a byte is refused", () => {
  assert.deepEqual(parseHex("123"), { error: { key: "error.hexOdd", params: { count: 3 } } });
});

test("JSON is sent as it was typed", () => {
  assert.deepEqual(checkJson('{ "a" : 1 }'), { data: '{ "a" : 1 }' });
  assert.deepEqual(checkJson("null"), { data: "null" });
});

test("what is not JSON is refused with the reason", () => {
  const checked = checkJson("{a}");
  assert.ok("error" in checked);
  assert.equal(checked.error.key, "error.json");
  assert.match(String(checked.error.params?.detail), /position 1/);
  assert.deepEqual(checkJson(" "), { error: { key: "error.jsonEmpty" } });
});

test("pretty JSON is indented, and null where there is none", () => {
  assert.equal(prettyJson('{"a":[1]}'), '{\n  "a": [\n    1\n  ]\n}');
  assert.equal(prettyJson("hello"), null);
});

test("a hex dump has offsets, bytes and ASCII", () => {
  const bytes = new TextEncoder().encode("Hello, round wall!");
  assert.equal(
    hexDump(bytes),
    [
      "000000  48 65 6c 6c 6f 2c 20 72 6f 75 6e 64 20 77 61 6c  Hello, round wal",
      "000010  6c 21                                            l!",
    ].join("\n"),
  );
  assert.equal(hexDump(new Uint8Array([0, 127, 128]), 8), "000000  00 7f 80                 ···");
});

test("sizes are bytes of UTF-8", () => {
  assert.equal(byteLength("回音壁"), 9);
  assert.equal(byteLength(new Uint8Array(5)), 5);
});

test("bytes are text only where they are UTF-8, and keep their BOM", () => {
  assert.equal(textOf(new Uint8Array([0xe5, 0xa3, 0x81])), "壁");
  assert.equal(textOf(new Uint8Array([0xff])), null);
  assert.equal(textOf(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])), "\ufeffa");
});

test("subprotocols are tokens, each once", () => {
  assert.deepEqual(parseProtocols(" chat , echo,"), { protocols: ["chat", "echo"] });
  assert.deepEqual(parseProtocols(""), { protocols: [] });
  assert.deepEqual(parseProtocols("a b"), { error: { key: "error.protocol", params: { name: "a b" } } });
  assert.deepEqual(parseProtocols("é"), { error: { key: "error.protocol", params: { name: "é" } } });
  assert.deepEqual(parseProtocols("echo, echo"), { error: { key: "error.protocolTwice", params: { name: "echo" } } });
});
