import assert from "node:assert/strict";
import { test } from "node:test";
import {
  readAddress,
  writeAddress,
  writeRoomAddress,
  writeSettings,
  writeShared,
  writeStacksAddress,
} from "../../js/shell/address.js";

/** @param {string} name @param {boolean} naive @returns {import("../../js/shared/catalog.js").Service} */
function stack(name, naive = false) {
  return /** @type {any} */ ({ name, title: name.toUpperCase(), naive: naive ? { shows: "", summary: "" } : null });
}

const SERVICES = [stack("one", true), stack("two"), stack("three")];

test("no parameters: the first stack, alone, not connected", () => {
  const { panes, sideBySide, connect, unknown } = readAddress("", SERVICES);
  assert.deepEqual(panes[0], { service: "one", handler: "healthy", url: "" });
  assert.deepEqual([sideBySide, connect, unknown], [false, false, []]);
});

test("no parameters: what is not maintained is not offered first, while anything is", () => {
  const old = { ...stack("old"), maintenance: /** @type {const} */ ("dormant") };
  const active = { ...stack("new"), maintenance: /** @type {const} */ ("active") };
  assert.equal(readAddress("", [old, active]).panes[0].service, "new");
  assert.equal(readAddress("", [old]).panes[0].service, "old");
  assert.equal(readAddress("?service=old", [old, active]).panes[0].service, "old");
});

test("an address is read and written back the same", () => {
  for (const search of [
    "?service=two",
    "?service=one&handler=naive",
    "?service=three&compare=two",
    "?url=wss%3A%2F%2Fexample.org%2Fecho",
    "?lang=zh&service=one&compare=one&compare-handler=naive",
  ]) {
    const { panes, sideBySide } = readAddress(search, SERVICES);
    assert.equal(writeAddress(search, sideBySide ? panes : panes.slice(0, 1)), search);
  }
});

test("a naive handler is kept only where the stack has one", () => {
  assert.equal(readAddress("?service=two&handler=naive", SERVICES).panes[0].handler, "healthy");
});

test("an unknown name is told, and the first stack is shown", () => {
  const { panes, unknown } = readAddress("?service=nope", SERVICES);
  assert.deepEqual([panes[0].service, unknown], ["one", ["nope"]]);
});

test("an empty catalog leaves one's own endpoint", () => {
  assert.deepEqual(
    readAddress("", []).panes.map(({ service }) => service),
    [null, null],
  );
});

test("what else the address holds stays", () => {
  assert.equal(
    writeAddress("?connect=1&service=one", [{ service: "two", handler: "healthy", url: "" }]),
    "?connect=1&service=two",
  );
});

test("the first view is Compare, and an address that is about the echo need not name it", () => {
  /** @type {Record<string, string>} */
  const views = {
    "": "compare",
    "?lang=zh": "compare",
    "?view=no": "compare",
    "?with=two&sort=wrong": "compare",
    "?view=echo": "echo",
    "?service=two": "echo",
    "?url=": "echo",
    "?compare=two": "echo",
    "?connect=1": "echo",
    "?view=chat&service=two": "chat",
    "?view=stacks": "stacks",
  };
  for (const [search, view] of Object.entries(views)) assert.equal(readAddress(search, SERVICES).view, view, search);
});

test("the echo is named where nothing else in its address does", () => {
  assert.equal(writeAddress("?lang=zh", []), "?lang=zh&view=echo");
});

test("how a view of results is set is read and written back the same", () => {
  for (const search of [
    "./",
    "?columns=wrong%2Clines&step=64+B&with=two&sort=lines&order=desc&filter=a&cell=two+wrong",
    "?lang=zh&with=two",
  ]) {
    const { view, settings } = readAddress(search.replace("./", ""), SERVICES);
    assert.equal(view, "compare");
    assert.equal(writeSettings(search.replace("./", ""), "compare", settings), search);
  }
});

test("how it is set is left behind with it", () => {
  const compare = writeSettings("?service=one&connect=1&lang=zh", "compare", { with: "two", cell: "one wrong" });
  assert.equal(compare, "?lang=zh&with=two&cell=one+wrong");
  assert.equal(writeAddress(compare, [{ service: "one", handler: "healthy", url: "" }]), "?lang=zh&service=one");
  assert.equal(writeStacksAddress(compare, { order: null, filter: "" }), "?view=stacks&lang=zh");
});

test("from view to view and back, only what is about both stays", () => {
  const chat = writeRoomAddress("?service=one&handler=naive&compare=two&connect=1&lang=zh", "chat", "three");
  assert.equal(chat, "?view=chat&service=three&lang=zh");
  assert.equal(
    writeAddress(chat, [{ service: "one", handler: "naive", url: "" }]),
    "?lang=zh&service=one&handler=naive",
  );
});

test("the table of stacks is read and written back the same", () => {
  for (const search of [
    "?view=stacks",
    "?view=stacks&sort=lines",
    "?view=stacks&lang=zh&filter=async+io&sort=released&order=desc",
  ]) {
    const { view, table } = readAddress(search, SERVICES);
    assert.deepEqual([view, writeStacksAddress(search, table)], ["stacks", search]);
  }
});

test("a column that the table does not have sorts nothing", () => {
  for (const column of ["nope", "", "constructor", "__proto__"]) {
    assert.deepEqual(readAddress(`?view=stacks&sort=${column}&order=desc`, SERVICES).table, {
      order: null,
      filter: "",
    });
  }
});

test("how the table is sorted is left behind with it", () => {
  const stacks = writeStacksAddress("?service=one&compare=two&connect=1&lang=zh", {
    order: { column: "era", descending: true },
    filter: "a",
  });
  assert.equal(stacks, "?view=stacks&lang=zh&filter=a&sort=era&order=desc");
  assert.equal(writeAddress(stacks, [{ service: "one", handler: "healthy", url: "" }]), "?lang=zh&service=one");
  assert.equal(writeRoomAddress(stacks, "chat", "one"), "?view=chat&service=one&lang=zh");
  assert.equal(writeRoomAddress(stacks, "push", ""), "?view=push&lang=zh");
});

test("a link that is shared has the subprotocols and the message, and no password", () => {
  const own = {
    service: null,
    handler: /** @type {const} */ ("healthy"),
    url: "https://me:secret@h/",
    protocol: /** @type {const} */ ("socket.io"),
  };
  const naive = { service: "one", handler: /** @type {const} */ ("naive"), url: "" };
  const { search, whole } = writeShared([naive, own], ["chat, echo", ""], { kind: "json", text: '{"a": "ä&="}' });
  assert.ok(whole);
  assert.ok(!search.includes("secret"));
  const { panes, sideBySide, shared } = readAddress(search, SERVICES);
  assert.ok(sideBySide);
  assert.deepEqual(panes, [naive, { ...own, url: "https://me@h/" }]);
  assert.deepEqual(shared, { protocols: ["chat, echo", null], kind: "json", message: '{"a": "ä&="}' });
});

test("a message that is too long for a link is left out, and that is told", () => {
  const { search, whole } = writeShared([{ service: "two", handler: "healthy", url: "" }], [""], {
    kind: "text",
    text: "回".repeat(2000),
  });
  assert.deepEqual([search, whole], ["?service=two", false]);
});

test("what only a link has leaves the address as soon as something changes", () => {
  assert.equal(
    writeAddress("?service=two&subprotocols=a&compare-subprotocols=b&kind=text&message=x", [
      { service: "two", handler: "healthy", url: "" },
    ]),
    "?service=two",
  );
});

test("a protocol that there is not is none", () => {
  assert.equal(readAddress("?url=ws://h/&protocol=gopher", SERVICES).panes[0].protocol, undefined);
});
