// A visit against sockets that the test plays, and a clock that it turns.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Visit } from "../../js/chat/visit.js";

/** @type {FakeSocket[]} */
let sockets = [];

/** Node 18's own mock of the timers is another than Node 20's. */
const clock = {
  real: { setTimeout, clearTimeout },
  now: 0,
  next: 1,
  /** @type {Map<number, { at: number, run: () => void }>} */
  timers: new Map(),

  stop() {
    this.timers.clear();
    globalThis.setTimeout = /** @type {any} */ (
      (/** @type {() => void} */ run, wait = 0) => {
        this.timers.set(this.next, { at: this.now + wait, run });
        return this.next++;
      }
    );
    globalThis.clearTimeout = /** @type {any} */ ((/** @type {number} */ timer) => this.timers.delete(timer));
  },

  /** @param {number} time */
  tick(time) {
    const until = this.now + time;
    for (;;) {
      const [due] = [...this.timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at);
      if (due === undefined) break;
      const [timer, { at, run }] = due;
      this.timers.delete(timer);
      this.now = at;
      run();
    }
    this.now = until;
  },
};

class FakeSocket extends EventTarget {
  protocol = "";
  bufferedAmount = 0;
  /** @type {any[]} */
  sent = [];
  /** @type {number | null} */
  closedWith = null;

  /** @param {string} url */
  constructor(url) {
    super();
    this.url = url;
    sockets.push(this);
  }

  /** @param {string} data */
  send(data) {
    this.sent.push(JSON.parse(data));
  }

  /** @param {number} code */
  close(code) {
    this.closedWith = code;
  }

  /** @param {...object} words */
  says(...words) {
    for (const word of words) this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(word) }));
  }

  opens() {
    this.dispatchEvent(new Event("open"));
  }

  /** @param {number} code */
  closes(code) {
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason: "", wasClean: code !== 1006 }));
  }
}

/** @param {string} name */
const target = (name) => ({
  key: name,
  naive: false,
  service: /** @type {any} */ ({ name, title: name, protocol: "websocket" }),
  title: name,
  url: `ws://lab/${name}/chat/`,
});

/** @param {string} id @param {string} text */
const said = (id, text) => ({ id, service: "one", nick: "ann", text, ts: 5 });

const soon = () => new Promise((resolve) => setImmediate(resolve));
const latest = () => /** @type {FakeSocket} */ (sockets.at(-1));

async function inTheRoom() {
  const visit = new Visit();
  visit.connect(target("one"));
  await soon();
  latest().opens();
  latest().says(said("5-1", "history"), { live: true });
  return visit;
}

/** @param {Visit} visit */
const events = (visit) => visit.room.lines.flatMap((line) => ("event" in line ? [line.event] : []));

beforeEach(() => {
  sockets = [];
  clock.stop();
  globalThis.WebSocket = /** @type {any} */ (FakeSocket);
});
afterEach(() => void Object.assign(globalThis, clock.real));

test("a first visit has no after, and is open once the room is live", async () => {
  const visit = new Visit();
  visit.connect(target("one"));
  await soon();
  assert.equal(latest().url, "ws://lab/one/chat/");
  latest().opens();
  assert.equal(visit.open, false);
  latest().says({ live: true });
  assert.equal(visit.open, true);
});

test("after a drop it goes on after the last id", async () => {
  const visit = await inTheRoom();
  latest().closes(1006);
  assert.equal(visit.state, "waiting");
  clock.tick(1000);
  await soon();
  assert.equal(latest().url, "ws://lab/one/chat/?after=5-1");
  latest().opens();
  latest().says(said("5-2", "missed"), { live: true });
  assert.deepEqual(events(visit), ["joined", "lost", "caught-up"]);
});

test("another stack goes on after the last id too", async () => {
  const visit = await inTheRoom();
  const left = visit.leave();
  assert.equal(latest().closedWith, 1000);
  latest().closes(1000);
  await left;
  visit.connect(target("two"));
  await soon();
  assert.equal(latest().url, "ws://lab/two/chat/?after=5-1");
});

test("too slow: at once again, unless nothing ever comes", async () => {
  const visit = await inTheRoom();
  latest().closes(1013);
  clock.tick(0);
  await soon();
  assert.equal(sockets.length, 2);
  latest().opens();
  latest().closes(1013);
  clock.tick(0);
  await soon();
  assert.equal(sockets.length, 2);
  assert.deepEqual(events(visit), ["joined", "slow", "slow"]);
});

test("a socket that says nothing is given up", async () => {
  const visit = new Visit();
  visit.connect(target("one"));
  await soon();
  clock.tick(9_999);
  assert.equal(visit.state, "connecting");
  clock.tick(1);
  assert.equal(visit.state, "waiting");
  clock.tick(1000);
  await soon();
  latest().opens();
  clock.tick(10_000);
  assert.equal(visit.state, "waiting");
  assert.deepEqual(events(visit), ["silent", "silent"]);
});

test("a quiet room is not", async () => {
  const visit = await inTheRoom();
  clock.tick(3_600_000);
  assert.equal(visit.state, "connected");
});

test("one that swallows what is said is", async () => {
  const visit = await inTheRoom();
  visit.say("ann", "hello");
  clock.tick(10_000);
  assert.equal(visit.state, "waiting");
  assert.equal(visit.room.sending, true);
});

test("what did not come back after the resume was not said, and can be said again", async () => {
  const visit = await inTheRoom();
  visit.say("ann", "kept");
  visit.say("ann", "lost");
  latest().closes(1006);
  clock.tick(1000);
  await soon();
  latest().opens();
  latest().says(said("5-2", "kept"), { live: true });
  clock.tick(1000);
  assert.deepEqual(
    visit.room.pending.map(({ text, state }) => [text, state]),
    [["lost", "unsaid"]],
  );

  visit.sayAgain(visit.room.pending[0]);
  assert.deepEqual(latest().sent, [{ nick: "ann", text: "lost" }]);
  latest().says(said("5-3", "lost"));
  assert.deepEqual(visit.room.pending, []);
});

test("an error is shown, and what it may be about is given up after a while", async () => {
  const visit = await inTheRoom();
  visit.say("ann", "fine");
  visit.say("ann", "refused");
  latest().says({ error: "no" }, said("5-2", "fine"));
  assert.equal(visit.error?.params?.error, "no");
  clock.tick(1000);
  assert.deepEqual(
    visit.room.pending.map(({ text, state }) => [text, state]),
    [["refused", "unsaid"]],
  );
});

test("nothing is said while Redis is away", async () => {
  const visit = await inTheRoom();
  latest().says({ live: false });
  visit.say("ann", "hello");
  assert.deepEqual([latest().sent, visit.room.pending], [[], []]);
});

test("nonsense is told, and closes nothing", async () => {
  const visit = await inTheRoom();
  latest().says([], { id: "x" });
  assert.equal(visit.state, "connected");
  assert.deepEqual(events(visit), ["joined", "odd", "odd"]);
});
