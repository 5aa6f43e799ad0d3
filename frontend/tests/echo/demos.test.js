// Who gives a demonstration: it follows from the catalog alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEMOS, cast, panesOf } from "../../js/echo/demos.js";
import { en } from "../../js/i18n/en.js";
import { stack } from "../stack.js";

/** @param {string[]} checks @param {Partial<import("../../js/shared/catalog.js").Deviation>} [facts] */
const known = (checks, facts = {}) => [{ checks, outcome: "", reason: "", link: "", via: null, ...facts }];

/** @param {string} id */
const demo = (id) => /** @type {import("../../js/echo/demos.js").Demo} */ (DEMOS.find((one) => one.id === id));
const all = () => true;

test("each demonstration has a title, a sentence about it, and one for its end", () => {
  for (const { id } of DEMOS) {
    for (const key of [`demo.${id}`, `demo.${id}.about`, `demo.${id}.end`]) assert.ok(key in en, key);
  }
});

test("a naive handler gives what it shows, beside the right handler of the same stack", () => {
  const services = [stack("one"), stack("two", { naive: { shows: "frozen-server", summary: "" } })];
  const { casting } = cast(demo("frozen-server"), services, all);
  assert.equal(casting?.service.name, "two");
  assert.deepEqual(
    panesOf(/** @type {any} */ (casting), services, all).map(({ service, handler }) => [service, handler]),
    [
      ["two", "naive"],
      ["two", "healthy"],
    ],
  );
});

test("of those that have a deviation, the one whose cause is about nothing else gives it", () => {
  const services = [
    stack("one", { known: known(["fragments-apart", "stray-continuation"]) }),
    stack("two", { known: known(["fragments-apart"]) }),
    stack("three"),
  ];
  const { casting } = cast(demo("fragments-apart"), services, all);
  assert.equal(casting?.service.name, "two");
  assert.deepEqual(
    panesOf(/** @type {any} */ (casting), services, all).map(({ service }) => service),
    ["two", "three"],
  );
});

test("a stack that does not run gives nothing, and a deviation of the direct way is none of the page's", () => {
  const services = [
    stack("one", { known: known(["vanished"]) }),
    stack("two", { known: known(["vanished"], { via: "direct" }) }),
  ];
  const { casting, able } = cast(demo("vanished"), services, (name) => name === "two");
  assert.equal(casting, null);
  assert.deepEqual(
    able.map(({ name }) => name),
    ["one"],
  );
});
