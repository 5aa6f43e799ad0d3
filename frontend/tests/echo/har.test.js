import assert from "node:assert/strict";
import { test } from "node:test";
import { har } from "../../js/echo/har.js";
import { MessageLog } from "../../js/echo/log.js";

const FACTS = { url: "ws://h/echo?a=1", protocol: "chat", extensions: "", offered: "chat, echo" };

test("each connection is an entry, with its messages as DevTools write them", () => {
  const log = new MessageLog();
  Object.assign(log.message("sent", "before"), { time: 500 });
  Object.assign(log.event("open", [], FACTS), { time: 1000 });
  Object.assign(log.message("sent", "text"), { time: 1250 });
  Object.assign(log.message("received", new Uint8Array([0, 255])), { time: 1500 });
  Object.assign(log.event("close", [], { code: 1000 }), { time: 4000 });
  log.event("reconnect", []);
  Object.assign(log.event("open", [], FACTS), { time: 5000 });

  const { version, entries } = har(log.entries, "ws://h/now").log;

  assert.equal(version, "1.2");
  assert.deepEqual(
    entries.map(({ request }) => request.url),
    ["ws://h/now", FACTS.url, FACTS.url],
  );
  assert.deepEqual(
    entries.map(({ time }) => time),
    [0, 3000, 0],
  );
  assert.deepEqual(entries[1]._webSocketMessages, [
    { type: "send", time: 1.25, opcode: 1, data: "text" },
    { type: "receive", time: 1.5, opcode: 2, data: "AP8=" },
  ]);
  assert.deepEqual(entries[2]._webSocketMessages, []);
});

test("the handshake is there as far as the browser tells", () => {
  const log = new MessageLog();
  log.event("open", [], FACTS);
  const [{ request, response, startedDateTime, _resourceType }] = har(log.entries, "").log.entries;
  assert.deepEqual(request.headers, [{ name: "Sec-WebSocket-Protocol", value: "chat, echo" }]);
  assert.deepEqual(response.headers, [{ name: "Sec-WebSocket-Protocol", value: "chat" }]);
  assert.deepEqual(request.queryString, [{ name: "a", value: "1" }]);
  assert.equal(response.status, 101);
  assert.equal(_resourceType, "websocket");
  assert.ok(!Number.isNaN(Date.parse(startedDateTime)));
});

test("every field that HAR 1.2 requires is there", () => {
  const log = new MessageLog();
  log.message("sent", "x");
  const [entry] = har(log.entries, "nonsense").log.entries;
  for (const name of ["startedDateTime", "time", "request", "response", "cache", "timings"])
    assert.ok(name in entry, name);
  for (const part of [entry.request, entry.response]) {
    for (const name of ["httpVersion", "cookies", "headers", "headersSize", "bodySize"]) assert.ok(name in part, name);
  }
});
