import assert from "node:assert/strict";
import { test } from "node:test";
import { markOf, markOfClose } from "../../js/verify/marks.js";
import { stack } from "../stack.js";

/** @typedef {import("../../js/verify/payload.js").Data} Data */
/** @typedef {import("../../js/verify/marks.js").Mark} Mark */

/** @type {import("../../js/shared/target.js").Target} */
const OWN = { key: "", service: null, naive: false, title: "host", url: "ws://host/" };
const BYTES = new Uint8Array([0xff]);
const LARGE = "x".repeat(1024 * 1024);

/** @param {string[]} checks @param {object} [facts] */
const deviation = (checks, facts = {}) => ({ checks, outcome: "", reason: "", link: "", via: null, ...facts });

/**
 * @param {object[]} known @param {object} [facts] of the service @param {boolean} [naive]
 * @returns {import("../../js/shared/target.js").Target}
 */
function targetOf(known, facts = {}, naive = false) {
  return { ...OWN, naive, service: stack("one", { known, limits: { max_message: 2 ** 20 }, ...facts }) };
}

/** @param {"same" | "type" | "cut" | "altered"} how @param {Data} sent @param {Data} received */
function answered(how, sent, received, target = OWN) {
  return /** @type {Mark} */ (markOf({ how, sent, rtt: 1 }, received, target));
}

/** @param {"unasked" | "none" | "ended"} how @param {Data} data */
function alone(how, data, target = OWN) {
  return /** @type {Mark} */ (markOf({ how }, data, target));
}

test("what is wrong of a stack is no fault of an endpoint that promised no echo", () => {
  const stack = targetOf([]);
  assert.deepEqual(
    [answered("altered", "a", "b", stack), alone("unasked", "a", stack), alone("none", "a", stack)].map(
      ({ wrong, text }) => [wrong, text.key],
    ),
    [
      [true, "mark.altered"],
      [true, "mark.unasked"],
      [true, "mark.none"],
    ],
  );
  assert.deepEqual(
    [answered("altered", "a", "b"), alone("unasked", "a"), alone("none", "a")].map(({ wrong, text }) => [
      wrong,
      text.key,
    ]),
    [
      [false, "mark.own.altered"],
      [false, "mark.own.unasked"],
      [false, "mark.none"],
    ],
  );
});

test("the same is wrong nowhere, and a message whose echo came has no mark of its own", () => {
  assert.equal(answered("same", "a", "a", targetOf([deviation(["text"])])).wrong, false);
  assert.equal(answered("same", "a", "a", targetOf([deviation(["text"])])).known, null);
  assert.equal(markOf({ how: "echoed", rtt: 1 }, "a", OWN), null);
});

test("a mark says how much came back", () => {
  assert.deepEqual(answered("cut", "hello", "he").text.params, { size: "2 B", all: "5 B" });
  assert.equal(answered("type", BYTES, "ÿ").text.key, "mark.textForBinary");
  assert.equal(answered("type", "a", new Uint8Array([97])).text.key, "mark.binaryForText");
});

test("each mark is explained by the deviation that is about it", () => {
  const deviations = {
    text: deviation(["text"]),
    empty: deviation(["empty-message"]),
    emptyBinary: deviation(["empty-binary"]),
    binary: deviation(["binary"]),
    bytes: deviation(["binary-bytes"]),
    fragments: deviation(["fragments"]),
    limit: deviation(["message-limit"]),
    phantoms: deviation(["phantom-idle"]),
  };
  const target = targetOf(Object.values(deviations));
  const text = new Uint8Array([97]);
  assert.equal(answered("type", text, "a", target).known, deviations.binary);
  assert.equal(answered("type", BYTES, "ÿ", target).known, deviations.bytes);
  assert.equal(answered("type", new Uint8Array(), "", target).known, deviations.emptyBinary);
  assert.equal(alone("none", "", target).known, deviations.empty);
  assert.equal(alone("none", new Uint8Array(), target).known, deviations.emptyBinary);
  assert.equal(answered("cut", LARGE, "xx", target).known, deviations.fragments);
  assert.equal(alone("ended", LARGE, target).known, deviations.fragments);
  assert.equal(alone("ended", `${LARGE}x`, target).known, deviations.limit);
  assert.equal(answered("altered", "a", "b", target).known, deviations.text);
  assert.equal(alone("unasked", "a", target).known, deviations.phantoms);
});

test("a deviation on the direct route explains nothing of a page behind the proxy", () => {
  assert.equal(alone("none", "", targetOf([deviation(["empty-message"], { via: "direct" })])).known, null);
  const byProxy = deviation(["empty-message"], { via: "proxy" });
  assert.equal(alone("none", "", targetOf([byProxy])).known, byProxy);
});

test("a naive handler is its own explanation", () => {
  const target = targetOf([deviation(["phantom-idle"])], { naive: { shows: "", summary: "It forwards all." } }, true);
  const { known, naive } = alone("unasked", "", target);
  assert.deepEqual([known, naive], [null, "It forwards all."]);
});

test("a close is marked where it has another code than was asked for", () => {
  const known = deviation(["close-code"]);
  const target = targetOf([known]);
  assert.equal(markOfClose(3000, 3000, target), null);
  assert.equal(markOfClose(null, 1011, target), null, "the page did not ask for a close");
  assert.equal(markOfClose(1000, null, target), null, "Socket.IO has no codes");
  const odd = /** @type {Mark} */ (markOfClose(4001, 25209, target));
  assert.deepEqual([odd.wrong, odd.known, odd.text.params], [true, known, { code: 25209, asked: 4001 }]);
});

test("a close with a code that may answer any other is no fault", () => {
  for (const code of [1000, 1001, 1005]) {
    const mark = markOfClose(4001, code, targetOf([deviation(["close-code"])]));
    assert.deepEqual([mark?.how, mark?.wrong, mark?.known], ["code", false, null]);
  }
  assert.equal(markOfClose(4001, 1006, targetOf([]))?.wrong, true);
  assert.equal(markOfClose(4001, 1006, OWN)?.wrong, false);
});
