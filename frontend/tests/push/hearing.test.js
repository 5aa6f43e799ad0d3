import assert from "node:assert/strict";
import { test } from "node:test";
import { Hearing, Ledger } from "../../js/push/hearing.js";
import { SHOWN, WIDTH, place } from "../../js/push/lane.js";

const said = (/** @type {number} */ number) => ({ id: `${number}-0`, nick: "somebody", text: `News ${number}` });

test("what this page has said is late since it was said, and what others say since the first heard it", () => {
  const ledger = new Ledger();
  const [poll, socket] = [new Hearing(ledger), new Hearing(ledger)];
  ledger.say("News 1", 100);
  socket.hear(said(1), 103);
  poll.hear(said(1), 2100);
  socket.hear(said(2), 3000);
  poll.hear(said(2), 4500);

  assert.deepEqual(socket.late, { last: 0, median: 3 });
  assert.deepEqual(poll.late, { last: 1500, median: 2000 });
});

test("at another pace only what is said from then on counts for how late it is", () => {
  const ledger = new Ledger();
  const poll = new Hearing(ledger);
  ledger.say("News 1", 100);
  ledger.say("News 2", 900);
  ledger.say("News 3", 5100);
  poll.hear(said(1), 4000);
  poll.changePace(5000);

  assert.equal(poll.late, null);
  poll.hear(said(2), 5900); // said before, at the old pace
  poll.hear(said(3), 5900);
  assert.deepEqual(poll.late, { last: 800, median: 800 });
  assert.equal(poll.heard, 3);
});

test("a message that comes twice is counted as that, and heard once", () => {
  const hearing = new Hearing(new Ledger());
  for (const number of [1, 2, 1]) hearing.hear(said(number), number);

  assert.deepEqual([hearing.heard, hearing.twice, hearing.moments.length], [2, 1, 2]);
});

test("bytes are told for each message, and not where there was none", () => {
  const hearing = new Hearing(new Ledger());
  hearing.take(900);
  assert.equal(hearing.each, null);
  assert.equal(hearing.late, null);

  hearing.hear(said(1), 1);
  hearing.hear(said(2), 2);
  assert.equal(hearing.each, 450);
});

test("a request that has ended stays ended", () => {
  const hearing = new Hearing(new Ledger());
  const span = hearing.begin(1);
  hearing.end(span, 5);
  hearing.end(span, 9);

  assert.deepEqual(hearing.spans, [{ from: 1, to: 5 }]);
  assert.equal(hearing.requests, 1);
});

test("now is at the right edge, and what was long ago at the left", () => {
  assert.equal(place(1000, 1000), WIDTH);
  assert.equal(place(0, SHOWN / 2), WIDTH / 2);
  assert.equal(place(0, 3 * SHOWN), 0);
});
