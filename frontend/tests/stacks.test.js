// Which stacks the filter leaves, in what order the table has them, and how often each is asked for its state.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { StatusBoard, byEra } from "../js/catalog.js";
import { COLUMNS, sorted } from "../js/columns.js";
import { isMeant } from "../js/filter.js";
import { formatDay } from "../js/format.js";

/** @typedef {import("../js/catalog.js").Service} Service */

/** @param {string} name @param {object} facts @returns {Service} */
function stack(name, facts = {}) {
  return /** @type {any} */ ({
    name,
    title: name.toUpperCase(),
    framework: "Frame",
    server: "Serve",
    concurrency: "async",
    era: "modern",
    released: "2026-01-01",
    maintenance: "active",
    known: [],
    sources: ["app.py"],
    lines: 1,
    ...facts,
  });
}

/** @param {Service[]} services */
const names = (services) => services.map(({ name }) => name);
/** @returns {"up"} */
const up = () => "up";

test("every word has to be somewhere, in any order and in any case", () => {
  const one = stack("one", { title: "The First", framework: "Flask", server: "gevent", concurrency: "greenlets" });
  for (const query of ["", "  ", "one", "FIRST", "flask", "gev", "greenlets", "gevent flask", " the\tone "])
    assert.ok(isMeant(one, query), query);
  for (const query of ["two", "flask two", "firstflask", "the.first", "(", "async"])
    assert.ok(!isMeant(one, query), query);
});

test("full-width letters are letters", () => {
  assert.ok(isMeant(stack("flask"), "ＦＬＡＳＫ"));
});

test("a stack is found by its concurrency as the page names it, too", () => {
  assert.ok(isMeant(stack("one", { concurrency: "async" }), "async/await"));
});

test("no order is the catalog's", () => {
  assert.deepEqual(names(sorted([stack("b"), stack("a")], null, up, "en")), ["b", "a"]);
});

test("words are sorted as people do, and numbers in them by value", () => {
  const services = ["b", "A10", "a9", "É", "f"].map((title, index) => stack(String(index), { title }));
  const titles = (/** @type {boolean} */ descending) =>
    sorted(services, { column: "title", descending }, up, "en").map(({ title }) => title);
  assert.deepEqual(titles(false), ["a9", "A10", "b", "É", "f"]);
  assert.deepEqual(titles(true), ["f", "É", "b", "A10", "a9"]);
});

test("numbers and days are sorted by value", () => {
  const services = [
    stack("ten", { lines: 10, released: "2026-10-01" }),
    stack("nine", { lines: 9, released: "2026-09-30" }),
  ];
  for (const column of ["lines", "released"])
    assert.deepEqual(names(sorted(services, { column, descending: false }, up, "en")), ["nine", "ten"]);
});

test("eras, maintenance and status have an order of their own", () => {
  const services = [
    stack("c", { era: "yardstick", maintenance: "dormant" }),
    stack("a", { era: "article", maintenance: "active" }),
    stack("b", { maintenance: "occasional" }),
  ];
  const states = /** @type {Record<string, any>} */ ({ a: "up", b: "unknown", c: "down" });
  for (const column of ["era", "maintenance", "status"]) {
    assert.deepEqual(
      names(sorted(services, { column, descending: false }, (name) => states[name], "en")),
      ["a", "b", "c"],
      column,
    );
  }
});

test("equals stay in the order of the catalog, both ways", () => {
  const services = [
    stack("z", { lines: 5 }),
    stack("y", { lines: 5 }),
    stack("x", { lines: 7 }),
    stack("w", { lines: 5 }),
  ];
  assert.deepEqual(names(sorted(services, { column: "lines", descending: false }, up, "en")), ["z", "y", "w", "x"]);
  assert.deepEqual(names(sorted(services, { column: "lines", descending: true }, up, "en")), ["x", "z", "y", "w"]);
});

test("what has no value comes last, both ways", () => {
  const services = [
    stack("none", { sources: [], lines: 0, released: "", framework: "" }),
    stack("one"),
    stack("two", { lines: 2, released: "2026-02-02", framework: "G" }),
  ];
  for (const column of ["lines", "released", "framework"]) {
    assert.deepEqual(names(sorted(services, { column, descending: false }, up, "en")), ["one", "two", "none"], column);
    assert.deepEqual(names(sorted(services, { column, descending: true }, up, "en")), ["two", "one", "none"], column);
  }
});

test("sorting leaves the catalog as it was, by every column", () => {
  const services = [stack("b"), stack("a")];
  for (const column of Object.keys(COLUMNS)) sorted(services, { column, descending: true }, up, "zh");
  assert.deepEqual(names(services), ["b", "a"]);
});

test("eras that have no stack are left out", () => {
  const groups = byEra([
    stack("y", { era: "yardstick" }),
    stack("a", { era: "article" }),
    stack("b", { era: "article" }),
  ]);
  assert.deepEqual(
    groups.map(([era, services]) => [era, ...names(services)]),
    [
      ["article", "a", "b"],
      ["yardstick", "y"],
    ],
  );
});

test("a day is that day, wherever one is", () => {
  assert.equal(formatDay("2026-11-09", "en"), "9 Nov 2026");
  assert.equal(formatDay("2026-11-09", "zh"), "2026年11月9日");
  assert.equal(formatDay("some day", "en"), "some day");
});

// How often they are asked

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
