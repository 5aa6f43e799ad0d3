import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageLog } from "../../js/echo/log.js";
import { ORDERS, ordered, slowest } from "../../js/echo/order.js";

/** A log with a message that was sent and three that came, one of them no echo. */
function talk() {
  const log = new MessageLog();
  log.event("open", []);
  Object.assign(log.message("sent", "longest of all"), { rtt: 90 }); // what is known of its echo
  Object.assign(log.message("received", "a"), { rtt: 2 });
  log.message("received", "pushed");
  Object.assign(log.message("received", "bb"), { rtt: 7 });
  return log.entries;
}

/** @param {import("../../js/echo/order.js").Order} order */
const seqs = (order) => ordered(talk(), order).map(({ seq }) => seq);

test("entries are shown as they came, or by time, or by size, and equal ones as they came", () => {
  assert.deepEqual(seqs("arrival"), [1, 2, 3, 4, 5]);
  assert.deepEqual(seqs("newest"), [5, 4, 3, 2, 1]);
  assert.deepEqual(seqs("slowest"), [5, 3, 1, 2, 4]);
  assert.deepEqual(seqs("largest"), [2, 4, 5, 3, 1]);
});

test("no order changes the log", () => {
  const entries = talk();
  const before = [...entries];
  for (const order of ORDERS) ordered(entries, order);
  assert.deepEqual(entries, before);
});

test("the slowest is the echo that took longest", () => {
  assert.equal(slowest(talk())?.seq, 5);
  assert.equal(slowest(talk().slice(0, 2)), null);
});
