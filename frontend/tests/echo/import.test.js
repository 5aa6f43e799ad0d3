import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_LINES, readExport, readLine } from "../../js/echo/import.js";
import { MessageLog, eventText, exportLine } from "../../js/echo/log.js";

/** @param {string} text */
const file = (text) => new File([text], "log.jsonl");

/** A log with each kind of entry. */
function talk() {
  const log = new MessageLog();
  log.event("open", [{ key: "log.open", params: { title: "Some Stack", url: "ws://h/" } }], {
    url: "ws://h/",
    extensions: "",
  });
  log.message("sent", "Hello, 回音壁 \ud83d\ude42\n");
  const mark = { how: "cut", wrong: true, text: { key: "mark.cut", params: { size: "1 B", all: "2 B" } } };
  Object.assign(log.message("received", new Uint8Array([0, 255, 128])), { rtt: 1.5, mark });
  log.event("close", [{ key: "log.noReason" }], { code: 1006 });
  return log;
}

/** @param {MessageLog} log */
const exported = (log) => log.entries.map((entry) => `${exportLine(entry)}\n`).join("");

test("what was exported is imported as it was, and exported again the same", async () => {
  const text = exported(talk());
  const read = await readExport(file(text));
  assert.ok("entries" in read);
  const log = new MessageLog();
  log.restore(read.entries);
  assert.equal(exported(log), text);
  assert.deepEqual(
    log.entries.map(({ data }) => data),
    talk().entries.map(({ data }) => data),
  );
  assert.equal(eventText(log.entries[0]), "Connected to Some Stack at ws://h/.");
  assert.equal(log.entries[2].mark?.how, "cut");
});

test("an export of before there was more than the mark's name is read too", () => {
  const read = readLine(
    `{"time":"2026-01-01T00:00:00.000Z","direction":"received","kind":"text","data":"x","mark":"same"}`,
  );
  assert.equal(typeof read === "string" ? null : read.mark?.text.params?.text, "same");
});

test("a line that is none is told, with what is wrong with it, and nothing is imported", async () => {
  const good = exported(talk());
  const line = { time: "2026-01-01T00:00:00.000Z", direction: "received", kind: "text", data: "x" };
  const bad = {
    JSON: ["{", "null", "[]", "3", ""],
    time: [
      { ...line, time: "yesterday" },
      { ...line, time: 5 },
    ],
    direction: [
      { ...line, direction: "sideways" },
      { ...line, direction: "toString" },
    ],
    kind: [
      { ...line, kind: "open" },
      { ...line, direction: "event" },
    ],
    mark: [
      { ...line, mark: "splendid" },
      { ...line, mark: "constructor" },
    ],
    found: [{ ...line, mark: "same", found: 5 }],
    rtt: [
      { ...line, rtt: -1 },
      { ...line, rtt: "1" },
    ],
    data: [
      { ...line, data: 5 },
      { ...line, kind: "binary" },
      { ...line, kind: "binary", encoding: "base64", data: "%" },
    ],
    text: [{ ...line, direction: "event", kind: "open" }],
  };
  for (const [what, lines] of Object.entries(bad)) {
    for (const one of lines) {
      const read = await readExport(file(`${good}${typeof one === "string" ? one : JSON.stringify(one)}\n`));
      assert.deepEqual("error" in read ? read.error : null, {
        key: "import.line",
        params: { name: "log.jsonl", line: 5, what },
      });
    }
  }
});

test("an export is bounded, and an empty file is none", async () => {
  const many = await readExport(file("\n".repeat(MOST_LINES + 1)));
  assert.equal("error" in many && many.error.key, "import.lines");
  const empty = await readExport(file(""));
  assert.equal("error" in empty && empty.error.key, "import.empty");
  const large = await readExport(/** @type {any} */ ({ name: "large", size: 2 ** 30 }));
  assert.equal("error" in large && large.error.key, "import.size");
});
