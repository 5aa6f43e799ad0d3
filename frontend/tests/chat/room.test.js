import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Room,
  checkNick,
  checkText,
  codePoints,
  dayOf,
  order,
  understand,
  visible,
  withDays,
} from "../../js/chat/room.js";

/** @param {string} id @param {Partial<import("../../js/chat/room.js").Said>} [rest] */
const said = (id, rest = {}) => ({
  id,
  service: "one",
  nick: "ann",
  text: `text of ${id}`,
  ts: Number(id.split("-")[0]),
  ...rest,
});

/** @param {Room} room */
const ids = (room) => room.lines.flatMap((line) => ("said" in line ? [line.said.id] : []));

/** @param {Room} room */
const events = (room) =>
  room.lines.flatMap((line) =>
    "event" in line ? [line.count === undefined ? line.event : `${line.event} ${line.count}`] : [],
  );

/** @param {...string} history */
function entered(...history) {
  const room = new Room();
  room.enter();
  for (const id of history) room.hear(said(id));
  room.become(true);
  return room;
}

test("the order of ids is that of their numbers", () => {
  const sorted = ["1795349703791-2", "1795349703791-10", "1795349703792-0", "9795349703791-0", "10795349703791-0"];
  assert.deepEqual(
    [...sorted].reverse().sort((a, b) => (order(a) < order(b) ? -1 : 1)),
    sorted,
  );
});

test("the history is no catching up", () => {
  const room = entered("5-1", "5-2");
  assert.deepEqual(ids(room), ["5-1", "5-2"]);
  assert.deepEqual(events(room), []);
  assert.equal(room.after, "5-2");
});

test("a repeat is counted and dropped", () => {
  const room = entered("5-1", "5-2");
  room.hear(said("5-1"));
  assert.deepEqual([ids(room), room.repeats, room.disorder], [["5-1", "5-2"], 1, 0]);
});

test("what comes out of order is counted and kept, and one goes on after the latest", () => {
  const room = entered("5-1", "5-9", "5-10", "5-3");
  assert.deepEqual([ids(room), room.repeats, room.disorder, room.last], [["5-1", "5-9", "5-10", "5-3"], 0, 1, "5-10"]);
});

test("a room that was never seen has no after; one that was empty is caught up from its beginning", () => {
  const room = new Room();
  assert.equal(room.after, "");
  room.enter();
  assert.equal(room.after, "");
  room.become(true);
  assert.equal(room.after, "0-0");
});

test("what came before live is caught up, what comes after it is not", () => {
  const room = entered("5-1");
  room.exit();
  room.enter();
  room.hear(said("5-2"));
  room.hear(said("5-3"));
  room.become(true);
  room.hear(said("5-4"));
  assert.deepEqual(events(room), ["caught-up 2"]);
});

test("nothing missed is told too", () => {
  const room = entered("5-1");
  room.exit();
  room.enter();
  room.become(true);
  assert.deepEqual(events(room), ["caught-up 0"]);
});

test("Redis goes and comes: told once each, and what was missed is counted", () => {
  const room = entered("5-1");
  room.become(false);
  room.become(false);
  room.hear(said("5-2"));
  room.become(true);
  room.become(true);
  assert.deepEqual(events(room), ["away", "caught-up 1"]);
});

test("who enters while Redis is away gets the history later, and has missed nothing", () => {
  const room = new Room();
  room.enter();
  room.become(false);
  room.hear(said("5-1"));
  room.become(true);
  assert.deepEqual(events(room), ["away"]);
});

test("what one says is pending until it comes back, the first of two alike first", () => {
  const room = entered();
  const first = room.say("one", "ann", "yes");
  const second = room.say("one", "ann", "yes");
  room.hear(said("6-1", { text: "yes", nick: "bob" }));
  room.hear(said("6-2", { text: "yes", service: "two" }));
  assert.deepEqual(room.pending, [first, second]);
  room.hear(said("6-3", { text: "yes" }));
  assert.deepEqual(room.pending, [second]);
  assert.deepEqual(
    room.lines.map((line) => "mine" in line && line.mine),
    [false, false, true],
  );
});

test("what was said here is one's own, also when the page was loaded again", () => {
  const room = new Room();
  room.own = new Set(["5-1"]);
  room.say("one", "ann", "text of 5-3");
  for (const id of ["5-1", "5-2", "5-3"]) room.hear(said(id));
  assert.deepEqual(
    room.lines.map((line) => "mine" in line && line.mine),
    [true, false, true],
  );
  assert.deepEqual([...room.own], ["5-1", "5-3"]);
});

test("what does not come back was not said, unless it was said after the mark", () => {
  const room = entered();
  room.say("one", "ann", "early");
  const { mark } = room;
  room.say("one", "ann", "late");
  room.giveUp(mark);
  assert.deepEqual(
    room.pending.map(({ text, state }) => [text, state]),
    [
      ["early", "unsaid"],
      ["late", "sending"],
    ],
  );
  assert.equal(room.sending, true);
});

test("what was given up and comes back was said after all", () => {
  const room = entered();
  room.say("one", "ann", "hello");
  room.giveUp(room.mark);
  room.hear(said("6-1", { text: "hello" }));
  assert.deepEqual(room.pending, []);
});

test("what is said again is matched before what was given up", () => {
  const room = entered();
  room.say("one", "ann", "hello");
  room.giveUp(room.mark);
  const again = room.say("one", "ann", "hello");
  room.hear(said("6-1", { text: "hello" }));
  assert.ok(!room.pending.includes(again));
  assert.equal(room.pending.length, 1);
});

test("the room is bounded, and what it dropped is a repeat no more than once", () => {
  const room = entered();
  for (let i = 1; i <= 10_000; i++) room.hear(said(`7-${i}`));
  assert.ok(room.lines.length <= 4000, `${room.lines.length}`);
  assert.equal(ids(room).at(-1), "7-10000");
  room.hear(said("7-10000"));
  assert.deepEqual([room.repeats, room.disorder], [1, 0]);
});

test("a room's words are understood, as JSON or as objects", () => {
  const message = said("5-1");
  for (const word of [
    message,
    { live: true },
    { live: false },
    { online: { one: 2 } },
    { online: {} },
    { error: "no" },
  ]) {
    assert.deepEqual(understand(JSON.stringify(word)), word);
    assert.deepEqual(understand(word), word);
  }
});

test("anything else is not", () => {
  const others = [
    "",
    "{",
    "[]",
    "null",
    "1",
    "{}",
    '{"live": 1}',
    '{"online": null}',
    '{"online": {"one": "2"}}',
    '{"error": {}}',
  ];
  const messages = [
    { id: "x" },
    { id: 5 },
    { id: "5-1-1" },
    { ts: 1e300 },
    { ts: "5" },
    { nick: null },
    { text: 5 },
    { service: [] },
  ];
  for (const other of others) assert.equal(understand(other), null, other);
  for (const wrong of messages)
    assert.equal(understand(JSON.stringify({ ...said("5-1"), ...wrong })), null, JSON.stringify(wrong));
  assert.equal(understand(new ArrayBuffer(2)), null);
});

test("characters are code points", () => {
  assert.equal(codePoints("a回😀"), 3);
  assert.equal(checkText("😀".repeat(2000)), null);
  assert.equal(checkText("😀".repeat(2001))?.key, "room.textLong");
  assert.equal(checkNick("😀".repeat(32)), null);
  assert.equal(checkNick("😀".repeat(33))?.key, "room.nickLong");
});

test("blank and broken text is refused", () => {
  for (const blank of ["", " ", "\n\t", "\u3000", "\u001c", "\u0085"])
    assert.equal(checkText(blank)?.key, "room.textBlank");
  assert.equal(checkNick(" ")?.key, "room.nickBlank");
  for (const broken of ["\ud83d", "a\ude00b", "\ude00\ud83d"]) assert.equal(checkText(broken)?.key, "room.surrogate");
});

test("control characters are shown as pictures, lines and tabs as they are", () => {
  assert.equal(visible("a\0b\x07c\x1b[2J\x7f\x85\r\n\td\u202e"), "a␀b␇c␛[2J␡\ufffd␍\n\td\u202e");
});

test("a day stands before its first line", () => {
  const noon = new Date(2026, 10, 22, 12).getTime();
  const next = new Date(2026, 10, 23, 0, 0, 1).getTime();
  const lines = [noon, noon + 1, next].map((time, seq) => ({ seq, time, said: said("5-1"), mine: false }));
  assert.equal(dayOf(noon), "2026-11-22");
  assert.deepEqual(
    withDays(lines).map((row) => ("day" in row ? row.day : row.seq)),
    ["2026-11-22", 0, 1, "2026-11-23", 2],
  );
  assert.deepEqual(withDays([]), []);
});
