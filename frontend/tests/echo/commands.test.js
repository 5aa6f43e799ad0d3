import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { checkCommand, quoted, websocatCommand } from "../../js/echo/commands.js";

/** @param {string} url @param {"websocket" | "socket.io" | "events"} [protocol] */
const target = (url, protocol) => ({ key: url, service: null, naive: false, title: "", url, protocol });
const PLAIN = { target: target("ws://h/echo"), protocols: [], header: "" };

test("whatever one types stays one word of the shell", () => {
  for (const text of ["a b", "it's", '$(id) `id` \\ "x" *', "回音", "", "-n", "a\nb"]) {
    assert.equal(execFileSync("sh", ["-c", `printf %s ${quoted(text)}`], { encoding: "utf8" }), text);
  }
});

test("the check has subprotocols, header and protocol", () => {
  assert.equal(checkCommand(PLAIN), ".venv/bin/echowall check ws://h/echo");
  assert.equal(
    checkCommand({ ...PLAIN, protocols: ["chat", "echo"], header: "Authorization: Bearer x" }),
    ".venv/bin/echowall check --subprotocol chat --subprotocol echo --header 'Authorization: Bearer x' ws://h/echo",
  );
  assert.equal(
    checkCommand({ ...PLAIN, target: target("https://h/socket.io/", "socket.io") }),
    ".venv/bin/echowall check --protocol socket.io wss://h/socket.io/",
  );
  assert.equal(checkCommand({ ...PLAIN, target: target("https://h/", "events") }), null);
});

test("websocat says the message, in one piece, and speaks WebSocket only", () => {
  assert.equal(websocatCommand({ ...PLAIN, message: "" }), "websocat ws://h/echo");
  assert.equal(
    websocatCommand({ ...PLAIN, protocols: ["chat", "echo"], message: "it's" }),
    `printf '%s\\n' 'it'\\''s' | websocat --one-message --no-close --protocol 'chat, echo' ws://h/echo`,
  );
  assert.match(
    String(websocatCommand({ ...PLAIN, message: "a\nb" })),
    /^printf '%s\\0' 'a\nb' \| websocat .*--null-terminated/,
  );
  for (const protocol of /** @type {const} */ (["socket.io", "events"]))
    assert.equal(websocatCommand({ ...PLAIN, target: target("http://h/", protocol), message: "" }), null);
});

test("a password is in no command", () => {
  const secret = { ...PLAIN, target: target("ws://me:secret@h/") };
  for (const command of [checkCommand(secret), websocatCommand({ ...secret, message: "" })]) {
    assert.match(String(command), /ws:\/\/me@h\/$/);
  }
});
