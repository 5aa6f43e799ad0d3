// A conversation over a socket that the test plays.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Conversation } from "../../js/echo/conversation.js";
import { eventText, exportLine } from "../../js/echo/log.js";
import { loadLanguage, setLanguage } from "../../js/i18n/i18n.js";
import { stack } from "../stack.js";

class FakeSocket extends EventTarget {
  protocol = "";
  extensions = "";
  bufferedAmount = 0;
  /** @type {(string | Uint8Array)[]} */
  sent = [];

  /** @param {string} url */
  constructor(url) {
    super();
    this.url = url;
    socket = this;
  }

  /** @param {string | Uint8Array} data */
  send(data) {
    this.sent.push(data);
  }

  close() {}

  /** @param {string} type @param {object} [facts] */
  fires(type, facts = {}) {
    this.dispatchEvent(Object.assign(new Event(type), facts));
  }

  /** @param {number} code */
  closes(code) {
    this.fires("close", { code, reason: "", wasClean: code !== 1006 });
  }
}

/** @type {FakeSocket} */
let socket;
/** @type {Conversation} */
let conversation;
globalThis.WebSocket = /** @type {any} */ (FakeSocket);
globalThis.document ??= /** @type {any} */ ({ documentElement: {} });

beforeEach(() => {
  conversation = new Conversation();
  conversation.reconnects = false;
  setLanguage("en");
});

/** @param {{ url?: string, protocols?: string[], own?: boolean }} [how] */
async function connecting({ url = "ws://lab/one/foobar/", protocols = [], own = false } = {}) {
  const service = own ? null : stack("one", { protocol: "websocket", limits: {} });
  conversation.connect({ key: url, service, naive: false, title: "One", url }, protocols);
  await new Promise((resolve) => setImmediate(resolve));
}

async function connected(how = {}) {
  await connecting(how);
  socket.fires("open");
}

/** @param {string} kind @returns {string} what the last event of the kind says */
function says(kind) {
  const entry = conversation.log.entries.findLast((entry) => entry.kind === kind);
  return entry === undefined ? "" : eventText(entry);
}

const everything = () => conversation.log.entries.map(exportLine).join("\n");

test("a connection that was never open is not said to have closed", async () => {
  await connecting();
  socket.fires("error");
  socket.closes(1006);

  assert.match(says("close"), /^The connection to One never came about: 1006 Abnormal Closure\. 1006 is never on the/);
  assert.doesNotMatch(says("close"), /lost with no close frame|not clean/);
  await loadLanguage("zh");
  setLanguage("zh");
  assert.match(says("close"), /从未建立/);
  assert.doesNotMatch(says("close"), /没有收到关闭帧/);
});

test("a connection that was open and is lost says so, and the next one is judged by itself", async () => {
  await connected();
  socket.closes(1006);
  assert.match(says("close"), /lost with no close frame/);

  await connecting();
  socket.closes(1006);
  assert.match(says("close"), /never came about/);
});

test("a connection that was left behind says nothing of the next one", async () => {
  await connected();
  const { setTimeout } = globalThis;
  globalThis.setTimeout = /** @type {any} */ ((/** @type {() => void} */ run) => setTimeout(run));
  await conversation.leave();
  globalThis.setTimeout = setTimeout;
  assert.match(says("error"), /left behind/);

  await connecting();
  socket.closes(1006);
  assert.match(says("close"), /never came about/);
  assert.equal(conversation.log.entries.at(-1)?.mark, null);
});

test("what was agreed on is said when a connection opens", async () => {
  await connecting();
  Object.assign(socket, { protocol: "echo", extensions: "permessage-deflate" });
  socket.fires("open");
  assert.match(says("open"), /Subprotocol: echo\. Extensions: permessage-deflate\.$/);

  await connected();
  assert.match(says("open"), /foobar\/\. No extensions\.$/);
});

test("a close says how long the connection lived, and what commonly cuts a silent one at 60 s", async () => {
  const { now } = performance;
  let time = 0;
  performance.now = () => time;
  await connected();
  time = 30_000;
  socket.fires("message", { data: "hello" });
  time = 90_500;
  socket.closes(1006);
  assert.match(says("close"), /It lived for 90\.5 s\. Nothing had come for 60\.5 s\. Many proxies cut/);

  await connected();
  time += 40_000;
  socket.closes(1006);
  assert.match(says("close"), /It lived for 40\.0 s\.$/);

  await connected();
  time += 60_000;
  conversation.disconnect();
  socket.closes(1000);
  performance.now = now;
  assert.match(says("close"), /It lived for 60\.0 s\.$/, "it was the page that closed");
});

/** Has every attempt fail at once, until the page makes no other. @returns {Promise<number>} how many it made, up to ten */
async function failing() {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = /** @type {any} */ ((/** @type {() => void} */ run) => setTimeout(run));
  let tries = 0;
  const ended = () => conversation.state === "disconnected";
  while (!ended() && tries < 10) {
    const last = socket;
    tries++;
    last.closes(1006);
    for (let turn = 0; socket === last && !ended() && turn < 50; turn++) {
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  globalThis.setTimeout = setTimeout;
  return tries;
}

test("an address of one's own that never answers is tried five times", async () => {
  conversation.reconnects = true;
  await connecting({ own: true });
  assert.equal(await failing(), 5);
  assert.match(says("error"), /^5 attempts to reach One failed/);

  await connecting({ own: true });
  assert.equal(await failing(), 5, "connecting again starts anew");
});

test("an address that has answered, and a stack of the lab, are tried on", async () => {
  conversation.reconnects = true;
  await connected({ own: true });
  assert.equal(await failing(), 10);
  conversation.disconnect();

  conversation = new Conversation();
  await connecting();
  assert.equal(await failing(), 10);
  conversation.disconnect();
});

test("where subprotocols were offered, a refusal says what the browser does if none is selected", async () => {
  await connecting({ protocols: ["chat", "superchat"] });
  socket.fires("error");
  assert.match(says("error"), /offered subprotocols \(chat, superchat\).* selects none of them, the browser ends/);
  assert.doesNotMatch(says("error"), /The browser does not tell a page why/);
  await loadLanguage("zh");
  setLanguage("zh");
  assert.match(says("error"), /子协议（chat, superchat）/);

  await connecting();
  socket.fires("error");
  setLanguage("en");
  assert.match(says("error"), /The browser does not tell a page why/);
});

test("1003 is explained by what was sent over this connection", async () => {
  await connected();
  conversation.send(new Uint8Array([1]));
  socket.closes(1003);
  assert.match(says("close"), /This page sent it binary only/);

  await connected();
  conversation.send("text");
  socket.closes(1003);
  assert.match(says("close"), /This page sent it text only/);
});

test("what is counted and timed belongs to one connection", async () => {
  await connected();
  conversation.send("one");
  socket.fires("message", { data: "one" });
  socket.fires("message", { data: "unasked" });
  const { rtts, ...counts } = conversation.tally;
  assert.deepEqual(counts, { sent: 1, received: 2, marks: { same: 1, unasked: 1 } });
  assert.equal(rtts.length, 1);
  socket.closes(1000);
  assert.equal(conversation.tally.sent, 1, "it stays while one reads it");

  await connected();
  assert.deepEqual(conversation.tally, { sent: 0, received: 0, rtts: [], marks: {} });
});

test("a mark that is taken back is not counted any more", async () => {
  await connected();
  conversation.send("hello");
  socket.fires("message", { data: "push" });
  assert.deepEqual(conversation.tally.marks, { altered: 1 });
  socket.fires("message", { data: "hello" });
  assert.deepEqual(conversation.tally.marks, { altered: 0, unasked: 1, same: 1 });
});

test("only echoes are timed", async () => {
  await connected();
  conversation.send("hello");
  socket.fires("message", { data: "hell" });
  assert.deepEqual(conversation.tally.rtts, []);
  assert.equal(conversation.log.entries.at(-1)?.mark?.how, "cut");
});

test("half a character is logged as what the browser sends for it, so its echo is the same", async () => {
  await connected();
  conversation.send("a\ud800b");
  socket.fires("message", { data: "a\ufffdb" });
  assert.equal(conversation.log.entries.at(-1)?.mark?.how, "same");
  assert.deepEqual(socket.sent, ["a\ufffdb"]);
});

test("a close with another code than was asked for is marked, and one that was not asked for is not", async () => {
  await connected();
  conversation.disconnect(4001);
  socket.closes(25209);
  assert.equal(conversation.log.entries.at(-1)?.mark?.how, "code");

  await connected();
  socket.closes(1011);
  assert.equal(conversation.log.entries.at(-1)?.mark, null);
});

test("a password is in what is connected to, and nowhere else", async () => {
  const url = "ws://me:secret@host/";
  await connected({ url, own: true });
  socket.closes(1006);
  await connecting({ url, own: true });
  socket.fires("error");
  socket.closes(1006);
  conversation.onForbidden(`The URL '${url}' is invalid.`);

  assert.equal(socket.url, url);
  assert.match(says("open"), /ws:\/\/me:•••@host\//);
  assert.match(everything(), /The URL 'ws:\/\/me:•••@host\/' is invalid/);
  assert.doesNotMatch(everything(), /secret/);
});
