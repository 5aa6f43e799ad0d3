import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Parser, connect } from "../js/events.js";

/** @param {string[]} parts */
function parsed(...parts) {
  /** @type {{ event: string, data: string }[]} */
  const said = [];
  const parser = new Parser((one) => said.push(one));
  for (const part of parts) parser.push(part);
  return said;
}

test("events are read as HTML says, however they are cut into pieces", () => {
  const stream =
    "\ufeff: comment\r\ndata: one\rdata:  two\n\nevent: tick\ndata\nid: 7\nretry: 5\nunknown: x\n\nevent: lost\n\ndata: three\r\n\r\n";
  const whole = [
    { event: "message", data: "one\n two" },
    { event: "tick", data: "" },
    { event: "message", data: "three" },
  ];
  assert.deepEqual(parsed(stream), whole);
  assert.deepEqual(parsed(...stream), whole);
});

test("what is not ended is no event", () => {
  assert.deepEqual(parsed("data: one\n"), []);
});

test("an event is bounded, in one line or in many", () => {
  const mib = "x".repeat(2 ** 20);
  assert.throws(() => parsed(...Array.from({ length: 17 }, () => mib)), RangeError);
  assert.throws(() => parsed(...Array.from({ length: 17 }, () => `data: ${mib}\n`)), RangeError);
});

/** @type {import("node:http").Server} */
let server;
let origin = "";

before(async () => {
  server = createServer(({ url, headers }, response) => {
    if (url === "/missing") response.writeHead(404).end();
    else if (url === "/page") response.writeHead(200, { "Content-Type": "text/html" }).end("<p>");
    else {
      response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
      response.write(`data: ${headers.authorization}\n\nevent: tick\ndata: 1\n\n`);
      if (url === "/ends") response.end();
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  origin = `127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

/** Hears an endpoint until it closes, or until it has said two events. @param {string} url */
function heard(url) {
  return new Promise((resolve) => {
    /** @type {unknown[]} */
    const said = [];
    const connection = connect(url, [], {
      open: () => said.push("open"),
      message(data) {
        said.push(data);
        if (said.length === 3 && !url.endsWith("/ends")) connection.close(1000, "");
      },
      error: () => said.push("error"),
      close({ code, reason, clean }) {
        assert.equal(code, null);
        resolve([...said, reason, clean]);
      },
    });
  });
}

test("events come, a named one with its name, until the page closes", async () => {
  assert.deepEqual(await heard(`http://${origin}/`), ["open", "undefined", ["tick", "1"], "closed by the page", true]);
});

test("a stream that the server ends is told", async () => {
  const said = await heard(`http://${origin}/ends`);
  assert.deepEqual(said.slice(-2), ["the server ended the stream", true]);
});

test("a password is told by a header", async () => {
  const said = await heard(`http://us%C3%A9r:pass@${origin}/`);
  assert.equal(said[1], `Basic ${Buffer.from("usér:pass").toString("base64")}`);
});

test("what is no stream is told apart", async () => {
  assert.deepEqual(await heard(`http://${origin}/missing`), ["HTTP 404 Not Found", false]);
  assert.deepEqual(await heard(`http://${origin}/page`), ["Content-Type “text/html”, not “text/event-stream”", false]);
  const nobody = await heard("http://127.0.0.1:9/");
  assert.deepEqual([nobody[0], nobody.at(-1)], ["error", false]);
});
