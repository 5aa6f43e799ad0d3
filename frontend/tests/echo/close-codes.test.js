import assert from "node:assert/strict";
import { test } from "node:test";
import { checkClose, closeCode } from "../../js/echo/close-codes.js";
import { en } from "../../js/i18n/en.js";

test("every code from 0 to 65535 has a sentence", () => {
  for (let code = 0; code < 65536; code++) assert.ok(en[closeCode(code).key], `${code}: ${closeCode(code).key}`);
});

test("registered codes have their registered name", () => {
  assert.equal(closeCode(1000).name, "Normal Closure");
  assert.equal(closeCode(1012).name, "Service Restart");
  assert.equal(closeCode(4321).name, "");
});

test("ranges are told apart", () => {
  const keys = [999, 1016, 2999, 3001, 3999, 4000, 4999, 5000].map((code) => closeCode(code).key);
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
  for (const code of [1005, 1006, 1015]) assert.match(en[closeCode(code).key], /never on the wire/);
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
