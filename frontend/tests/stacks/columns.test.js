// In what order the table has the stacks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { COLUMNS, sorted } from "../../js/stacks/columns.js";
import { stack } from "../stack.js";

/** @typedef {import("../../js/shared/catalog.js").Service} Service */

/** @param {Service[]} services */
const names = (services) => services.map(({ name }) => name);
/** @returns {"up"} */
const up = () => "up";

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
