import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRepeat, fill, hasPlaceholders, repeated } from "../../js/echo/repeat.js";

test("a message is sent once, at once, where nothing else is said", () => {
  assert.deepEqual(checkRepeat("1", "0", 1), { times: 1, every: 0 });
  assert.deepEqual(checkRepeat("", " ", 200), { times: 1, every: 0 });
  assert.deepEqual(checkRepeat("10000", "3600000", 1), { times: 10_000, every: 3_600_000 });
});

test("what is no number of times, no time, or too much is refused", () => {
  for (const times of ["0", "-1", "1.5", "x", "10001", "1e9"]) {
    assert.deepEqual(checkRepeat(times, "0", 1), { error: { key: "error.times", params: { times, most: 10_000 } } });
  }
  for (const every of ["-1", "0.5", "x", "3600001"]) {
    assert.deepEqual(checkRepeat("1", every, 1), {
      error: { key: "error.every", params: { every, most: 3_600_000 } },
    });
  }
  assert.deepEqual(checkRepeat("501", "0", 200), {
    error: { key: "error.tooMany", params: { count: 100_200, most: 100_000 } },
  });
});

test("all messages come in turn each time", () => {
  assert.deepEqual([...repeated(() => ["a", "b"], 2)], ["a", "b", "a", "b"]);
});

test("the number and the time are filled in, and nothing else", () => {
  const now = new Date("2026-11-29T16:00:00.123Z");
  assert.equal(fill("{{n}} of {{n}} at {{now}}", 7, now), "7 of 7 at 2026-11-29T16:00:00.123Z");
  for (const text of ["{n}", "{{ n }}", "{{N}}", "{{m}}", "$&", ""]) {
    assert.equal(fill(text, 7, now), text);
    assert.equal(hasPlaceholders(text), false);
  }
  assert.ok(hasPlaceholders('{"n": {{n}}}') && hasPlaceholders('{"n": {{n}}}'), "the same each time that it is asked");
});
