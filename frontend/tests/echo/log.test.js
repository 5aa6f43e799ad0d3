import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageLog, exportLine, isSearchedInPart, matches } from "../../js/echo/log.js";

test("the log keeps the latest entries and counts what it dropped", () => {
  const log = new MessageLog({ entries: 3 });
  for (let i = 1; i <= 5; i++) log.message("sent", `${i}`);
  assert.deepEqual(
    log.entries.map(({ data }) => data),
    ["3", "4", "5"],
  );
  assert.equal(log.dropped, 2);
});

test("the log is bounded in bytes too, and always keeps the last entry", () => {
  const log = new MessageLog({ bytes: 10 });
  log.message("sent", "12345");
  log.message("received", "12345");
  log.message("sent", "6");
  assert.equal(log.entries.length, 2);
  log.message("sent", "x".repeat(50));
  assert.deepEqual(
    log.entries.map(({ size }) => size),
    [50],
  );
});

test("entries are consecutive, also after clearing", () => {
  const log = new MessageLog({ entries: 2 });
  for (const text of ["a", "b", "c"]) log.message("sent", text);
  log.clear();
  const { seq } = log.message("sent", "d");
  assert.equal(seq, 4);
  assert.equal(log.dropped, 0);
});

test("the filter goes by direction and by content, whatever the case", () => {
  const log = new MessageLog();
  const text = log.message("sent", "Hello");
  const binary = log.message("received", new Uint8Array([0xff, 0x00, 0x41]));
  const event = log.event("close", [{ key: "log.close", params: { title: "Some Stack", code: 1000, name: "" } }]);
  assert.ok(matches(text, { show: "all", search: "hELL" }));
  assert.ok(!matches(text, { show: "received", search: "" }));
  assert.ok(matches(binary, { show: "received", search: "FF 00" }));
  assert.ok(matches(event, { show: "event", search: "to some stack closed: 1000" }));
});

test("a search looks at the beginning of a large message, and says so", () => {
  const log = new MessageLog();
  const long = "x".repeat(64 * 1024);
  const within = log.message("sent", `${long}`);
  const beyond = log.message("sent", `${long}needle`);
  const bytes = log.message("sent", new Uint8Array(5000).fill(0xff));
  const text = log.message("sent", new TextEncoder().encode("x".repeat(5000)));
  assert.ok(!matches(beyond, { show: "all", search: "needle" }));
  assert.deepEqual([within, beyond, bytes, text].map(isSearchedInPart), [false, true, true, false]);
});

test("what is found of a message is exported", () => {
  const entry = Object.assign(new MessageLog().message("received", ""), {
    mark: { how: "unasked", wrong: true, text: { key: "mark.unasked" } },
  });
  assert.equal(JSON.parse(exportLine(entry)).mark, "unasked");
});

test("a text message is exported as one line of JSON", () => {
  const log = new MessageLog();
  const entry = Object.assign(log.message("received", "line\nbreak \u2028"), { rtt: 1.23456 });
  const line = exportLine(entry);
  assert.ok(!line.includes("\n"));
  const { time, ...rest } = JSON.parse(line);
  assert.deepEqual(rest, { direction: "received", kind: "text", size: 14, rtt: 1.235, data: "line\nbreak \u2028" });
  assert.equal(new Date(time).toISOString(), time);
});

test("a binary message is exported in Base64", () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 256);
  const { kind, encoding, data, rtt } = JSON.parse(exportLine(new MessageLog().message("sent", bytes)));
  assert.deepEqual([kind, encoding, rtt], ["binary", "base64", null]);
  assert.deepEqual(new Uint8Array(Buffer.from(data, "base64")), bytes);
});

test("an event is exported with its facts", () => {
  const notes = [{ key: "log.noReason" }];
  const { direction, kind, code, clean } = JSON.parse(
    exportLine(new MessageLog().event("close", notes, { code: 1006, clean: false })),
  );
  assert.deepEqual([direction, kind, code, clean], ["event", "close", 1006, false]);
});
