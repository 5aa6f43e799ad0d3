import assert from "node:assert/strict";
import { test } from "node:test";
import { checkClose, closeCode } from "../../js/echo/close-codes.js";
import { en } from "../../js/i18n/en.js";
import { zh } from "../../js/i18n/zh.js";

const OPENED = { opened: true, kinds: new Set(["text", "binary"]) };

/** @param {number} code @param {Partial<typeof OPENED>} [circumstances] */
const keyOf = (code, circumstances) => closeCode(code, { ...OPENED, ...circumstances }).key;

test("every code from 0 to 65535 has a sentence", () => {
  for (let code = 0; code < 65536; code++) assert.ok(en[keyOf(code)], `${code}: ${keyOf(code)}`);
});

test("registered codes have their registered name", () => {
  assert.equal(closeCode(1000, OPENED).name, "Normal Closure");
  assert.equal(closeCode(1012, OPENED).name, "Service Restart");
  assert.equal(closeCode(4321, OPENED).name, "");
});

test("ranges are told apart", () => {
  const keys = [999, 1016, 2999, 3001, 3999, 4000, 4999, 5000].map((code) => keyOf(code));
  assert.deepEqual(keys, [
    "close.unused",
    "close.unassigned",
    "close.unassigned",
    "close.registered",
    "close.registered",
    "close.private",
    "close.private",
    "close.invalid",
  ]);
});

test("the codes that are never on the wire say so", () => {
  for (const code of [1005, 1006, 1015]) assert.match(en[keyOf(code)], /never on the wire/);
});

test("1003 is not said to be about binary where text was sent", () => {
  const kinds = ["text", "binary"].map((kind) => keyOf(1003, { kinds: new Set([kind]) }));
  assert.deepEqual(
    kinds.map((key) => en[key]),
    ["text", "binary"].map((kind) => `It got a kind of data that it does not take. This page sent it ${kind} only.`),
  );
  assert.deepEqual(
    kinds.map((key) => zh[key]),
    ["文本", "二进制"].map((kind) => `收到了不接受的数据类型。本页面只发送过${kind}。`),
  );
  for (const text of [en, zh]) assert.doesNotMatch(text[keyOf(1003)], /binary|text|二进制|文本/);
});

test("a connection that was never open is not said to be lost with no close frame", () => {
  const never = keyOf(1006, { opened: false });
  assert.match(en[keyOf(1006)], /lost with no close frame/);
  assert.doesNotMatch(en[never], /lost/);
  assert.match(en[never], /there was no WebSocket/);
  assert.match(zh[never], /从未有过/);
});

test("a page may close with 1000 and with 3000 to 4999", () => {
  for (const code of ["1000", "3000", "4999"])
    assert.deepEqual(checkClose(code, "bye"), { code: Number(code), reason: "bye" });
  assert.deepEqual(checkClose("", ""), { code: 1000, reason: "" });
});

test("any other close code is refused", () => {
  for (const code of ["0", "-1", "999", "1001", "1005", "2999", "5000", "3000.5", "1e9", "?"]) {
    assert.deepEqual(checkClose(code, ""), { field: "code", error: { key: "error.closeCode", params: { code } } });
  }
});

test("the reason has at most 123 bytes, not characters", () => {
  assert.ok("code" in checkClose("1000", "墙".repeat(41)));
  assert.deepEqual(checkClose("1000", "墙".repeat(42)), {
    field: "reason",
    error: { key: "error.closeReason", params: { size: 126 } },
  });
});
