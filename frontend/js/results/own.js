// Reads a result of one's own: a file that `--json` of `echowall check`, `conformance` or `bench` wrote.

/** @typedef {import("./model.js").Run} Run */
/** @typedef {import("../i18n/i18n.js").Message} Message */

const SCHEMA = 2;
const VERDICTS = ["pass", "fail", "undecided", "unsupported", "limit", "error"];
export const LARGEST = 64 * 1024 * 1024; // bytes

/** What is wrong with a file, in a sentence. */
export class BadFile extends Error {
  /** @param {Message} message */
  constructor(message) {
    super(message.key);
    this.sentence = message;
  }
}

/** @param {string} name of the file @param {string} text @returns {Run} Throws BadFile for anything else. */
export function readRun(name, text) {
  const refuse = (/** @type {string} */ why, params = {}) =>
    new BadFile({ key: `own.${why}`, params: { name, ...params } });
  if (text.trim() === "") throw refuse("empty");
  let run;
  try {
    run = JSON.parse(text);
  } catch (error) {
    throw refuse("notJson", { detail: /** @type {Error} */ (error).message });
  }
  if (typeof run?.before === "string" && Array.isArray(run.changes)) throw refuse("changes");
  if (!["check", "conformance", "bench"].includes(run?.kind)) throw refuse("noRun");
  if (run.schema !== SCHEMA) throw refuse("schema", { schema: String(run.schema), known: SCHEMA });
  const damage = PARTS[/** @type {Run["kind"]} */ (run.kind)](run);
  if (damage !== null) throw refuse("damaged", { where: damage });
  if (run.targets.length === 0) throw refuse("nothing");
  return run;
}

/** @typedef {(value: any, path: string) => string | null} Shape gives the path of what does not fit, or null */

/** @type {Shape} */
const text = (value, path) => (typeof value === "string" ? null : path);
/** @type {Shape} */
const number = (value, path) => (Number.isFinite(value) ? null : path);
/** @param {unknown[]} values @returns {Shape} */
const oneOf = (values) => (value, path) => (values.includes(value) ? null : path);
/** @param {Shape} shape @returns {Shape} */
const perhaps = (shape) => (value, path) => (value === null || value === undefined ? null : shape(value, path));

/** @param {Shape} shape @returns {Shape} */
const list = (shape) => (value, path) =>
  Array.isArray(value) ? first(value.map((one, place) => shape(one, `${path}[${place}]`))) : path;

/** @param {Shape} shape @returns {Shape} */
const values = (shape) => (value, path) =>
  isObject(value) ? first(Object.entries(value).map(([key, one]) => shape(one, `${path}.${key}`))) : path;

/** @param {Record<string, Shape>} fields @returns {Shape} */
const object = (fields) => (value, path) =>
  isObject(value)
    ? first(Object.entries(fields).map(([key, shape]) => shape(value[key], path ? `${path}.${key}` : key)))
    : path;

/** @param {unknown} value */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @param {(string | null)[]} found */
const first = (found) => found.find((one) => one !== null) ?? null;

const verdict = oneOf(VERDICTS);
const RUN = {
  id: text,
  began: text,
  machine: object({ system: text, processor: text, cores: number, python: text }),
};
const TARGET = {
  name: text,
  url: text,
  via: oneOf(["direct", "proxy", null, undefined]),
  mends: oneOf(["on", "off", null, undefined]),
  versions: values(text),
};
const estimate = perhaps(object({ mean: number, low: number, high: number, rounds: number }));
const spread = perhaps(object({ samples: number, p50: perhaps(number), p99: perhaps(number), longest: number }));
const refusals = list(object({ why: text, withheld: text, says: text }));

/** What each kind of run has to have, of what the page shows. @type {Record<Run["kind"], (run: unknown) => string | null>} */
const PARTS = {
  check: (run) =>
    object({
      ...RUN,
      checks: list(object({ id: text, group: text, section: text, question: text, expects: list(text) })),
      targets: list(
        object({ ...TARGET, results: list(object({ check: text, verdict, outcome: text, detail: text })) }),
      ),
    })(run, ""),
  conformance: (run) =>
    object({
      ...RUN,
      suite: text,
      targets: list(
        object({
          ...TARGET,
          results: list(object({ case: text, verdict, outcome: text, behavior: text, close: text, detail: text })),
        }),
      ),
    })(run, ""),
  bench: (run) =>
    object({
      ...RUN,
      rounds: number,
      steps: list(object({ name: text, scenario: text, unit: text, rate: perhaps(number), size: number })),
      targets: list(
        object({
          ...TARGET,
          settings: values(object({ value: text, source: text })),
          measurements: list(object({ step: text, round: number, latency: text, cpu: perhaps(number), refusals })),
          figures: list(
            object({ step: text, rounds: number, latency: spread, cpu: estimate, memory: estimate, refusals }),
          ),
        }),
      ),
    })(run, ""),
};
