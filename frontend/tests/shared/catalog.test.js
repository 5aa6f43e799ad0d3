// The stacks by era, and how often each is asked for its state.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { StatusBoard, byEra, deviations, mends } from "../../js/shared/catalog.js";
import { stack } from "../stack.js";

test("deviations and mends are counted by the check", () => {
  const service = stack("one", {
    known: [{ checks: ["a", "b"] }, { checks: ["c"] }],
    mended: [{ checks: ["d", "e"] }],
  });
  assert.deepEqual([deviations(service), mends(service)], [3, 2]);
  assert.deepEqual([deviations(stack("none")), mends(stack("none"))], [0, 0]);
});

test("eras that have no stack are left out", () => {
  const groups = byEra([
    stack("y", { era: "yardstick" }),
    stack("a", { era: "article" }),
    stack("b", { era: "article" }),
  ]);
  assert.deepEqual(
    groups.map(([era, services]) => [era, ...services.map(({ name }) => name)]),
    [
      ["article", "a", "b"],
      ["yardstick", "y"],
    ],
  );
});

/** @type {{ name: string, at: number }[]} */
let asked = [];
let now = 0;
const page = Object.assign(new EventTarget(), { hidden: false });

beforeEach(() => {
  asked = [];
  now = 0;
  page.hidden = false;
  mock.timers.enable({ apis: ["setTimeout"] });
  Object.assign(globalThis, {
    document: page,
    fetch: async (/** @type {string} */ path) => {
      asked.push({ name: path.replace("/about", ""), at: now });
      return Response.json({ versions: {} });
    },
  });
});
afterEach(() => mock.timers.reset());

/** @param {number} ms */
async function pass(ms) {
  for (let end = now + ms; now < end; now += 10) {
    mock.timers.tick(10);
    await new Promise(setImmediate);
  }
}

/** @param {number} count */
function watch(count) {
  const board = new StatusBoard();
  board.watch(Array.from({ length: count }, (_, index) => stack(`s${index}`)));
  return board;
}

for (const count of [1, 7, 17, 40]) {
  test(`${count} stacks: all of them at first, then one after the other, four a second at most`, async () => {
    watch(count);
    await pass(2000);
    assert.equal(new Set(asked.map(({ name }) => name)).size, count);
    asked = [];

    await pass(10_000);

    assert.equal(new Set(asked.map(({ name }) => name)).size, count, "each within ten seconds");
    assert.ok(asked.length <= 41 && asked.length <= 2 * count + 1, `${asked.length} in ten seconds`);
    for (let index = 1; index < asked.length; index++)
      assert.ok(asked[index].at - asked[index - 1].at >= 240, `at ${asked[index].at}`);
  });
}

test("nobody is asked while nobody looks, and all of them when somebody does", async () => {
  watch(5);
  await pass(1000);
  page.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  asked = [];
  await pass(20_000);
  assert.deepEqual(asked, []);

  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  await pass(300);

  assert.equal(new Set(asked.map(({ name }) => name)).size, 5);
});

test("one that is suspected is asked soon", async () => {
  const board = watch(17);
  await pass(2000);
  asked = [];
  board.suspect("s3");
  board.suspect("nobody");

  await pass(300);

  assert.ok(asked.some(({ name }) => name === "s3"));
  assert.ok(asked.every(({ name }) => name !== "nobody"));
});

test("one that does not answer is asked no second time meanwhile, and holds up no other", async () => {
  const answering = globalThis.fetch;
  Object.assign(globalThis, {
    fetch: (/** @type {string} */ path) => {
      const answer = answering(path);
      return path.startsWith("s1/") ? new Promise(() => {}) : answer;
    },
  });
  watch(3);

  await pass(12_000);

  const times = (/** @type {string} */ wanted) => asked.filter(({ name }) => name === wanted).length;
  assert.equal(times("s1"), 1);
  assert.ok(times("s0") >= 3 && times("s2") >= 3);
});
