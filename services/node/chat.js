// The chat room in Node: one loop reads Redis into a log, and each socket is sent what it has not been told yet.

import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "redis";

const KEPT = 10_000; // about how many messages the stream keeps; a socket that is further behind is closed
const ONLINE = "foobar:online:"; // a key for each process: how many sockets it has

// This client repeats nothing whose answer was lost. What it cannot say at once it refuses, and does not keep.
const redis = createClient({
  url: process.env.REDIS_URL ?? "redis://127.0.0.1",
  disableOfflineQueue: true,
  socket: { reconnectStrategy: 500, socketTimeout: 5000 },
});
const reader = redis.duplicate(); // XREAD keeps a connection waiting

const log = []; // { position, text } of each message, as in Redis; the text encoded, once for all sockets
const state = { live: false }; // and what count() finds
const visitors = new Set();

export function enter(ws, request) {
  const after = new URLSearchParams(request.url.split("?")[1]).get("after");
  const valid = /^[0-9]{1,19}-[0-9]{1,19}$/.test(after);
  if (after && !valid) refuse(ws, `after=${after.slice(0, 99)} is no message's id; these are the latest messages`);
  const visitor = { ws, position: valid ? [order(after), before(KEPT + 100)].sort()[1] : null, told: {}, busy: false };
  ws.on("error", console.error); // ws itself closes the connection
  visitors.add(visitor);
  ws.on("close", () => visitors.delete(visitor));
  ws.on("message", async (data, binary) => {
    ws.pause(); // until Redis has it
    await say(ws, binary ? "" : data);
    ws.resume();
  });
  tell(visitor);
}

async function say(ws, data) {
  const said = parse(data);
  if (!said) return refuse(ws, 'send {"nick": …, "text": …}: a nick of 1 to 32 characters and a text of 1 to 2000');
  const limit = { strategy: "MAXLEN", strategyModifier: "~", threshold: KEPT };
  const adding = redis.xAdd("foobar", "*", { service: "node", ...said }, { TRIM: limit });
  await adding.catch(() => refuse(ws, "Redis does not answer: unless your message appears, say it again later"));
}

function parse(data) {
  try {
    const said = JSON.parse(data);
    const fits = (text, most) => /\S/.test(text) && text.isWellFormed() && [...text].length <= most; // code points
    return Object.keys(said).sort().join() === "nick,text" && fits(said.nick, 32) && fits(said.text, 2000) && said;
  } catch {
    return false; // it is no JSON, or not of strings
  }
}

const send = (ws, text) => new Promise((done) => ws.send(text, { binary: false }, done)); // till the kernel has it
const refuse = (ws, error) => send(ws, JSON.stringify({ error }));
const order = (id) => id.replace(/[0-9]+/g, (number) => number.padStart(20, "0")); // "…-10" comes after "…-9"
const before = (count) => log.at(-count - 1)?.position ?? "0"; // the position from which on there are so many

async function tell(visitor) {
  if (visitor.busy) return; // it sees the news when it comes to the end of the old
  visitor.busy = true;
  for (let texts; visitor.ws.readyState === visitor.ws.OPEN && (texts = untold(visitor)).length; ) {
    await Promise.all(texts.map((text) => send(visitor.ws, text))); // a client that is slow holds up itself only
  }
  visitor.busy = false;
}

function untold(visitor) {
  if (state.live) visitor.position ??= before(50); // someone new
  const start = log.findLastIndex(({ position }) => position <= visitor.position) + 1;
  const batch = visitor.position ? log.slice(start, start + 100) : [];
  visitor.position = batch.at(-1)?.position ?? visitor.position;
  if (batch.length) return batch.map(({ text }) => text);
  const news = Object.keys(state).filter((what) => visitor.told[what] !== state[what]);
  visitor.told = { ...state };
  return news.map((what) => JSON.stringify({ [what]: state[what] }));
}

async function read() {
  for (let last = "0-0"; ; ) {
    const reading = reader.xRead({ key: "foobar", id: last }, { COUNT: 500, BLOCK: 1000 });
    const entries = await reading.then((streams) => streams?.[0].messages ?? [], () => sleep(500, null));
    state.live = entries !== null && (state.live || entries.length < 500); // there are no more
    for (const { id, message } of entries ?? []) {
      log.push({ position: order(id), text: Buffer.from(JSON.stringify({ id, ...message, ts: parseInt(id) })) });
      last = id;
    }
    if (log.length > 1.1 * KEPT) trim();
    visitors.forEach(tell);
  }
}

function trim() {
  log.splice(0, log.length - KEPT - 500); // far enough from where someone new enters
  const slow = [...visitors].filter(({ position }) => position && position < log[0].position);
  for (const { ws } of slow) ws.close(1013, `more than ${KEPT} messages behind`);
}

async function count() {
  await redis.set(`${ONLINE}node:${hostname()}:${process.env.PORT ?? 8000}`, visitors.size, { EX: 5 });
  const keys = (await redis.keys(`${ONLINE}*`)).sort();
  const online = {};
  for (const [index, sockets] of (await redis.mGet(keys)).entries()) {
    const service = keys[index].split(":")[2];
    if (Number(sockets)) online[service] = (online[service] ?? 0) + Number(sockets);
  }
  if (JSON.stringify(online) !== JSON.stringify(state.online)) state.online = online;
}

for (const client of [redis, reader]) client.on("error", () => {}).connect();
setInterval(() => count().catch(() => {}), 1000); // read() tells of it
read();
