import assert from "node:assert/strict";
import { test } from "node:test";
import { crossings, filesOf, scale, targetOf, ways } from "../../js/push/curves.js";

const estimate = (/** @type {number} */ mean) => ({ mean, low: mean / 2, high: mean * 2, rounds: 6 });
const step = (
  /** @type {string} */ transport,
  /** @type {number | null} */ polled,
  /** @type {number | null} */ every,
) => ({
  name: `${transport} ${polled} ${every}`,
  scenario: "push",
  transport,
  polled,
  every,
});
const figure = (/** @type {string} */ name, /** @type {number | null} */ cpu) => ({
  step: name,
  cpu: cpu === null ? null : estimate(cpu),
  latency: { samples: 1, p50: 9 },
  requests: 3,
  down: estimate(100),
});
const target = (/** @type {object} */ more = {}) => ({
  name: "one",
  via: "direct",
  mends: "on",
  again: false,
  tuned: false,
  workers: null,
  figures: [
    figure("websocket null 1", 50),
    figure("websocket null 10", 60),
    figure("poll 5 1", 40),
    figure("poll 5 10", null),
    figure("websocket null null", 1),
  ],
  ...more,
});
/** @type {any} */
const run = {
  kind: "bench",
  steps: [
    step("websocket", null, 1),
    step("websocket", null, 10),
    step("websocket", null, null),
    step("poll", 5, 1),
    step("poll", 5, 10),
  ],
  targets: [
    target(),
    target({ again: true }),
    target({ mends: "off" }),
    target({ via: "proxy" }),
    target({ name: "two" }),
  ],
  derived: [
    { target: "one", transport: "websocket", polled: null, every: 60, cpu: estimate(90) },
    { target: "two", transport: "websocket", polled: null, every: 60, cpu: estimate(99) },
  ],
  crossovers: [
    { target: "one", push: "websocket", polled: 5 },
    { target: "one (proxy)", push: "websocket", polled: 5 },
  ],
};

test("a way has a point for each interval at which it was measured, and one that is derived", () => {
  const found = ways(run, run.targets[0], "cpu");

  assert.deepEqual(
    found.map(({ key, points }) => [key, [...points].map(([every, { mean, derived }]) => [every, mean, derived])]),
    [
      ["poll 5", [[1, 40, false]]],
      [
        "websocket",
        [
          [1, 50, false],
          [10, 60, false],
          [60, 90, true],
        ],
      ],
    ],
  );
});

test("what has no interval of its own is shown without one, and nothing of it is derived", () => {
  const [poll, socket] = ways(run, run.targets[0], "late");

  assert.deepEqual(poll.points.get(10), { mean: 9, low: null, high: null, derived: false });
  assert.equal(socket.points.get(60), undefined);
});

test("through the proxy its CPU is part of the cost, round by round, but for what is withheld", () => {
  const measured = (/** @type {number} */ cpu, /** @type {string[]} */ ...withheld) => ({
    step: "poll 5 1",
    cpu,
    proxy_cpu: 10,
    refusals: withheld.map((one) => ({ withheld: one })),
  });
  const withProxy = { ...figure("poll 5 1", 40), proxy_cpu: estimate(10) };
  const proxied = /** @type {any} */ (
    target({
      via: "proxy",
      figures: [withProxy, { ...figure("websocket null 1", 50), proxy_cpu: null }],
      measurements: [measured(30), measured(30, "p99"), measured(500, "cost"), measured(500, "everything")],
    })
  );

  const [poll, ...others] = ways(run, proxied, "cpu");

  assert.deepEqual(others, []); // half of it would be another thing
  const point = /** @type {any} */ (poll.points.get(1));
  assert.deepEqual(
    [point.mean, point.low, point.high].map((one) => Math.round(one * 1000) / 1000),
    [40, 40, 40],
  );
});

test("a target is the one with that label, with its own crossings", () => {
  const [direct, proxied] = ["one", "one (proxy)"].map((label) => /** @type {any} */ (targetOf(run, label)));

  assert.deepEqual([direct, proxied], [run.targets[0], run.targets[3]]);
  assert.deepEqual(crossings(run, direct), [run.crossovers[0]]);
  assert.deepEqual(crossings(run, proxied), [run.crossovers[1]]);
  assert.equal(targetOf(run, "nobody"), undefined);
});

test("by each route it is the file with the longest interval, then the newest, and one's own before the store's", () => {
  const steps = [
    step("websocket", null, 1),
    step("websocket", null, 10),
    { ...step("poll", 5, 1), name: "64 B", scenario: "rate" },
  ];
  const cost = (/** @type {string} */ file, /** @type {string} */ label, name = "websocket null 1") => ({
    file,
    label,
    step: name,
  });
  const index = (/** @type {any[]} */ ...costs) => /** @type {any} */ ({ steps, costs });
  const kept = index(
    cost("2", "one"),
    cost("1", "one"),
    cost("3", "one", "64 B"),
    cost("4", "one (again)"),
    cost("5", "one (bare)"),
    cost("6", "two"),
    cost("7", "one (proxy)", "websocket null 10"),
    cost("8", "one (proxy)"),
  );

  assert.deepEqual(
    [...filesOf([kept], "one")],
    [
      ["one", "2"],
      ["one (proxy)", "7"],
    ],
  );
  assert.deepEqual(
    [...filesOf([index(cost("own:1", "one (proxy)")), kept], "one")],
    [
      ["one (proxy)", "own:1"],
      ["one", "2"],
    ],
  );
  assert.deepEqual([...filesOf([kept], "nobody")], []);
});

test("twice as much is everywhere the same way", () => {
  const place = scale([1, 100], 0, 200);

  assert.deepEqual([1, 10, 100].map(place).map(Math.round), [0, 100, 200]);
  assert.equal(scale([5], 0, 200)(5), 100);
});
