// The listeners against a server, and a browser's EventSource, that the test plays.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Hearing, Ledger } from "../../js/push/hearing.js";
import { listener } from "../../js/push/listeners.js";

const real = { fetch: globalThis.fetch, EventSource: globalThis.EventSource };

afterEach(() => {
  Object.assign(globalThis, real);
});

const said = (/** @type {number} */ number) => ({ id: `${number}-0`, nick: "somebody", text: `News ${number}` });
const answer = (/** @type {string} */ after, /** @type {object[]} */ ...messages) => ({
  status: 200,
  json: async () => ({ after, messages }),
});

/**
 * Listens until these answers were given, and gives what was asked.
 * @param {"poll" | "long-poll"} transport @param {any[]} answers
 */
async function listen(transport, ...answers) {
  const hearing = new Hearing(new Ledger());
  /** @type {{ url: string, known: string | undefined }[]} */
  const asked = [];
  /** @type {() => void} */
  let enough;
  const done = new Promise((resolve) => (enough = () => resolve(null)));
  globalThis.fetch = /** @type {any} */ (
    async (
      /** @type {string} */ url,
      /** @type {{ headers: Record<string, string>, signal: AbortSignal }} */ { headers, signal },
    ) => {
      asked.push({ url, known: headers["If-None-Match"] });
      const next = answers.shift();
      if (next !== undefined) return next;
      enough();
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }
  );
  const one = listener(transport, "some", hearing, () => 0);
  one.start("5-0");
  await done;
  one.stop();
  await new Promise((resolve) => setTimeout(resolve)); // the request that it gave up has ended then
  return { hearing, asked };
}

test("a poll goes on from the answer before, and says which answer it has", async () => {
  const { hearing, asked } = await listen(
    "poll",
    answer("6-0", said(6)),
    { status: 304 },
    answer("8-0", said(7), said(8)),
  );

  assert.deepEqual(asked, [
    { url: "some/chat/poll?after=5-0", known: undefined },
    { url: "some/chat/poll?after=6-0", known: '"6-0"' },
    { url: "some/chat/poll?after=6-0", known: '"6-0"' },
    { url: "some/chat/poll?after=8-0", known: '"8-0"' },
  ]);
  assert.deepEqual([hearing.heard, hearing.empty, hearing.requests, hearing.twice], [3, 1, 4, 0]);
  assert.equal(hearing.trouble, null);
  assert.ok(hearing.spans.every(({ to }) => to !== null));
});

test("a long poll says how long it may be held", async () => {
  const { asked } = await listen("long-poll", answer("6-0", said(6)));

  assert.deepEqual(
    asked.map(({ url }) => url),
    ["some/chat/poll?after=5-0&wait=25", "some/chat/poll?after=6-0&wait=25"],
  );
});

test("what is no answer is told, and asked again from the same place", async () => {
  for (const bad of [{ status: 503 }, { status: 200, json: async () => ({ after: 7 }) }, answer("x")]) {
    const { hearing, asked } = await listen("poll", bad);

    assert.deepEqual(
      asked.map(({ url }) => url),
      ["some/chat/poll?after=5-0", "some/chat/poll?after=5-0"],
    );
    assert.equal(hearing.trouble?.key, "push.failed");
    assert.equal(hearing.heard, 0);
  }
});

test("a stream of events is counted as its lines are on the wire, and begins where it was told to", () => {
  /** @type {any} */
  let source;
  globalThis.EventSource = /** @type {any} */ (
    class extends EventTarget {
      static CLOSED = 2;
      readyState = 1;
      /** @param {string} url */
      constructor(url) {
        super();
        this.url = url;
        source = this;
      }
      close() {
        this.readyState = 2;
      }
    }
  );
  const hearing = new Hearing(new Ledger());
  const events = listener("events", "some", hearing, () => 0);
  events.start("5-0");
  assert.equal(source.url, "some/chat/events?after=5-0");

  source.dispatchEvent(new Event("open"));
  const data = JSON.stringify(said(6));
  source.dispatchEvent(Object.assign(new Event("message"), { data, lastEventId: "6-0" }));
  source.dispatchEvent(Object.assign(new Event("message"), { data: '{"live":true}', lastEventId: "6-0" }));

  assert.equal(hearing.heard, 1);
  assert.equal(hearing.bytes, 300 + `id: 6-0\ndata: ${data}\n\n`.length + 'data: {"live":true}\n\n'.length);

  source.dispatchEvent(new Event("error"));
  assert.equal(hearing.trouble?.key, "push.broken");
  source.dispatchEvent(new Event("open"));
  assert.equal(hearing.trouble, null);
  assert.equal(hearing.requests, 2);

  events.stop();
  assert.equal(source.readyState, 2);
});
