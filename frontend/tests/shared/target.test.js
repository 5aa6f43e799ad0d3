import assert from "node:assert/strict";
import { test } from "node:test";
import { chatTarget, checkUrl, targetOf } from "../../js/shared/target.js";

/** @param {string} name @param {boolean} naive @returns {import("../../js/shared/catalog.js").Service} */
function stack(name, naive = false) {
  return /** @type {any} */ ({ name, title: name.toUpperCase(), naive: naive ? { shows: "", summary: "" } : null });
}

const SERVICES = [stack("one", true), stack("two")];
const PAGE = { protocol: "http:", href: "http://lab:8080/?service=one" };
const SECURE = { protocol: "https:", href: "https://lab:8080/?service=one" };

test("the room is beside the echo", () => {
  assert.equal(chatTarget(SERVICES[1], PAGE).url, "ws://lab:8080/two/chat/");
  assert.equal(chatTarget(SERVICES[1], SECURE).url, "wss://lab:8080/two/chat/");
});

test("endpoints follow the page's own address", () => {
  assert.deepEqual(targetOf({ service: "one", handler: "naive", url: "" }, SERVICES, PAGE), {
    key: "/one/foobar/naive/",
    service: SERVICES[0],
    title: "ONE",
    url: "ws://lab:8080/one/foobar/naive/",
  });
  const secure = targetOf({ service: "two", handler: "naive", url: "" }, SERVICES, SECURE);
  assert.equal("url" in secure && secure.url, "wss://lab:8080/two/foobar/");
});

test("endpoints are under the page's own prefix", () => {
  const page = { protocol: "https:", href: "https://example.org/lab/?view=chat#top" };
  assert.equal(chatTarget(SERVICES[0], page).url, "wss://example.org/lab/one/chat/");
});

test("one's own address is checked before the browser would throw", () => {
  const errors = ["", "nonsense", "http://example.org", "javascript:alert(1)", "ws://", "ws://example.org/#top"].map(
    (text) => {
      const checked = checkUrl(text, false);
      return "error" in checked ? checked.error.key : "fine";
    },
  );
  assert.deepEqual(errors, [
    "error.urlEmpty",
    "error.url",
    "error.urlScheme",
    "error.urlScheme",
    "error.url",
    "error.urlFragment",
  ]);
  assert.deepEqual(checkUrl(" wss://example.org/echo ", true), { url: "wss://example.org/echo" });
  assert.ok("error" in checkUrl("ws://example.org", true));
});
