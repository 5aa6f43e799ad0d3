import assert from "node:assert/strict";
import { test } from "node:test";
import { chatTarget, checkUrl, maskPassword, targetOf, withoutPassword } from "../../js/shared/target.js";

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
    naive: true,
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

test("a page that came by HTTPS may talk to this machine in plain text", () => {
  for (const host of ["127.0.0.1:9", "127.1.2.3", "[::1]:9", "localhost", "echo.localhost"]) {
    assert.deepEqual(checkUrl(`ws://${host}/`, true), { url: `ws://${host}/` });
  }
  for (const host of ["128.0.0.1", "127.0.0.1.example.org", "localhost.example.org", "mylocalhost", "[::2]"]) {
    assert.deepEqual(checkUrl(`ws://${host}/`, true), {
      error: { key: "error.urlMixed", params: { url: `ws://${host}/` } },
    });
  }
});

test("a password is masked, and nothing else", () => {
  const masked = {
    "ws://me:secret@host/": "ws://me:•••@host/",
    "wss://me:se:c@ret@host:1/a@b": "wss://me:•••@host:1/a@b",
    "ws://:secret@host": "ws://:•••@host",
    " WS:\\\\me:secret@host": " WS:\\\\me:•••@host",
    "ws://me:secret@[half": "ws://me:•••@[half",
  };
  for (const [text, expected] of Object.entries(masked)) {
    assert.equal(maskPassword(text), expected);
    assert.equal(withoutPassword(text), expected.replace(":•••", ""));
  }
  for (const text of ["ws://me@host/", "ws://host:80/a:b@c", "ws://host/?to=a:b@c", "ws://[::1]:9/", "", "me:secret"]) {
    assert.equal(maskPassword(text), text);
  }
});

test("what is wrong with an address is said without its password", () => {
  for (const text of ["http://me:secret@host", "ws://me:secret@host:99999/", "ws://me:secret@example.org"]) {
    const checked = checkUrl(text, true);
    assert.ok("error" in checked);
    assert.doesNotMatch(JSON.stringify(checked), /secret/);
  }
  assert.deepEqual(checkUrl("ws://me:secret@host/", false), { url: "ws://me:secret@host/" });
});

test("each protocol has its own schemes, and its own complaint", () => {
  for (const [protocol, good, bad, key] of /** @type {const} */ ([
    ["websocket", "ws://h/", "http://h/", "error.urlScheme"],
    ["socket.io", "https://h/", "ftp://h/", "error.urlSchemeSocketIo"],
    ["events", "http://h/", "ws://h/", "error.urlSchemeEvents"],
  ])) {
    assert.deepEqual(checkUrl(good, false, protocol), { url: good });
    const checked = checkUrl(bad, false, protocol);
    assert.equal("error" in checked && checked.error.key, key);
  }
  const mixed = checkUrl("http://example.org/", true, "events");
  assert.equal("error" in mixed && mixed.error.key, "error.urlMixed");
});
