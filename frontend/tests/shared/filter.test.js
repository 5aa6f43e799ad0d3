// Which stacks the filter leaves.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isMeant } from "../../js/shared/filter.js";
import { stack } from "../stack.js";

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
