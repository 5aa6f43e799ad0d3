import assert from "node:assert/strict";
import { test } from "node:test";
import { chatTarget, checkUrl, targetOf } from "../../js/shared/target.js";

/** @param {string} name @param {boolean} naive @returns {import("../../js/shared/catalog.js").Service} */
function stack(name, naive = false) {
  return /** @type {any} */ ({ name, title: name.toUpperCase(), naive: naive ? { shows: "", summary: "" } : null });
}

const SERVICES = [stack("one", true), stack("two")];
const PAGE = { protocol: "http:", host: "lab:8080", href: "http://lab:8080/" };

test("the room is beside the echo", () => {
  assert.equal(chatTarget(SERVICES[1], PAGE).url, "ws://lab:8080/two/chat/");
  assert.equal(chatTarget(SERVICES[1], { ...PAGE, protocol: "https:" }).url, "wss://lab:8080/two/chat/");
});

test("endpoints follow the page's own address", () => {
  assert.deepEqual(targetOf({ service: "one", handler: "naive", url: "" }, SERVICES, PAGE), {
    key: "/one/foobar/naive/",
    service: SERVICES[0],
    title: "ONE",
    url: "ws://lab:8080/one/foobar/naive/",
  });
  const secure = targetOf({ service: "two", handler: "naive", url: "" }, SERVICES, { ...PAGE, protocol: "https:" });
  assert.equal("url" in secure && secure.url, "wss://lab:8080/two/foobar/");
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
