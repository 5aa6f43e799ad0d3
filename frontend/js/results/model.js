// The shapes of what is measured, as docs/results.md describes them. Types alone: no page loads this file.

/** @typedef {"pass" | "fail" | "undecided" | "unsupported" | "limit" | "error"} Verdict */
/** @typedef {"direct" | "proxy"} Route */
/** @typedef {{ mean: number, low: number, high: number, rounds: number }} Estimate */
/** @typedef {{ why: string, withheld: string, says: string }} Refusal */
/** @typedef {"poll" | "long-poll" | "events" | "websocket"} Transport by which one listens to the room, in the scenario `push` */
/** @typedef {{ name: string, scenario: string, load: string, unit: string, rate: number | null, in_flight: number | null, size: number, connections: number, deflate: boolean, stuck: number, transport?: Transport | null, every?: number | null, polled?: number | null, seconds: number, warmup: number }} Step */

/** @typedef {{ id: string, group: string, section: string, question: string, expects: string[], sends?: string }} Question */
/** @typedef {{ check: string, verdict: Verdict, outcome: string, detail: string, seconds: number }} Result */
/** @typedef {{ case: string, verdict: Verdict, outcome: string, behavior: string, close: string, close_code: number | null, detail: string }} CaseResult */
/** @typedef {{ samples: number, p50: number | null, p90: number | null, p99: number | null, p999: number | null, longest: number }} Spread */
/** @typedef {{ step: string, rounds: number, offered: number | null, throughput: number | null, errors: Record<string, number>, latency: Spread | null, uncorrected: Spread | null, cpu: Estimate | null, proxy_cpu?: Estimate | null, memory: Estimate | null, socket_memory: Estimate | null, requests?: number | null, down?: Estimate | null, refusals: Refusal[] }} Figure */
/** @typedef {{ step: string, round: number, latency: string, cpu: number | null, proxy_cpu?: number | null, memory: number | null, socket_memory: number | null, refusals: Refusal[] }} Measurement */

/** @typedef {{ name: string, url: string, via: Route | null, versions: Record<string, string>, limits: { max_message: number | null, ping_interval: number | null } | null, mends: "on" | "off" | null }} Target */
/** @typedef {Target & { results: Result[] }} Examined */
/** @typedef {Target & { results: CaseResult[] }} Conformed */
/** @typedef {Target & { again: boolean, tuned: boolean, workers: number | null, settings: Record<string, { value: string, source: string }>, cores: number[], measurements: Measurement[], figures: Figure[] }} Benched */

/** @typedef {{ target: string, transport: Transport, polled: number | null, every: number, cpu: Estimate }} Derived */
/** @typedef {{ target: string, push: Transport, polled: number, side: "within" | "below" | "above", at: number | null, low: number, high: number, shortest: number, longest: number, rounds: number }} Crossover */

/**
 * What every run says of itself.
 * @typedef {object} Circumstances
 * @property {number} schema
 * @property {string} id
 * @property {string} began
 * @property {string | null} commit
 * @property {boolean | null} clean
 * @property {string | null} engine
 * @property {{ system: string, processor: string, cores: number, python: string }} machine
 * @property {boolean} [interrupted]
 */
/** @typedef {Circumstances & { kind: "check", checks: Question[], targets: Examined[] }} CheckRun */
/** @typedef {Circumstances & { kind: "conformance", suite: string, cases: string[], targets: Conformed[] }} ConformanceRun */
/** @typedef {Circumstances & { kind: "bench", rounds: number, yardstick: string, steps: Step[], targets: Benched[], derived?: Derived[], crossovers?: Crossover[] }} BenchRun */
/** @typedef {CheckRun | ConformanceRun | BenchRun} Run */

/** @typedef {{ file: string, name: string, via: Route | null, mends: "on" | "off" | null, right: number, wrong: string[], absent: string[], other: number }} Answers */
/** @typedef {{ file: string, name: string, via: Route | null, mends: "on" | "off" | null, right: number, wrong: string[], absent: number, other: number }} Cases */
/** @typedef {{ file: string, name: string, label: string, plain: boolean, step: string, rounds: number, throughput: number | null, p50: number | null, p99: number | null, cpu: Estimate | null, memory: Estimate | null, socket_memory: Estimate | null }} Cost */
/**
 * The newest of each target: what `results/index.json` holds, or the same of one run.
 * @typedef {object} Index
 * @property {Record<string, string[]>} groups
 * @property {Answers[]} checks
 * @property {Cases[]} conformance
 * @property {Step[]} steps
 * @property {Cost[]} costs
 */
/** @typedef {{ cases: string[], outcome: string, check: string | null, reason: string | null, link: string | null, via: Route | null }} Cause why cases of the Autobahn Testsuite fail */
/** @typedef {Record<string, { known: Cause[], mended: Cause[] }>} Causes by the names of the services */

export {};
