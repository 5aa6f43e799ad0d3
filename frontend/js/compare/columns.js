// The columns of Compare: what each shows of a subject, and by what it sorts.
import { answered, mended, wasAsked, wrong } from "../results/subjects.js";

/** @typedef {import("../results/model.js").Cost} Cost */
/** @typedef {import("../results/model.js").Estimate} Estimate */
/** @typedef {import("../results/model.js").Step} Step */
/** @typedef {import("../results/subjects.js").Subject} Subject */
/** @typedef {{ groups: Record<string, string[]>, steps: Step[], step: string }} Context the step is that of the fixed rate */
/**
 * @typedef {object} Column
 * @property {"count" | "cost" | "word"} shows
 * @property {(subject: Subject, context: Context) => Value} value
 * @property {boolean} [less] whether less is better; where it is missing, nothing is better
 */
/**
 * @typedef {object} Value
 * @property {"measured" | "unmeasured" | "withheld" | "none"} state
 * @property {number | string | null} sort null where there is nothing
 * @property {number} [of] of how many
 * @property {Estimate} [estimate]
 * @property {Cost} [cost]
 * @property {string} [word] the key of a text
 */

export const GROUPS = [
  "handshake",
  "messages",
  "fragmentation",
  "control",
  "closing",
  "errors",
  "compression",
  "honesty",
  "endurance",
];
const MAINTENANCE = ["active", "occasional", "dormant"];
const DEFLATE = "deflate"; // the check that asks for it

/** @type {Value} */
const UNMEASURED = { state: "unmeasured", sort: null };
/** @type {Value} */
const NONE = { state: "none", sort: null };

/** @param {number} sort @param {number} [of] @returns {Value} */
const count = (sort, of) => ({ state: "measured", sort, of });

/** @param {(service: NonNullable<Subject["service"]>) => Value} value @returns {Column} */
const fact = (value) => ({ shows: "word", value: ({ service }) => (service ? value(service) : NONE) });

/** @param {string} group @returns {Column} */
const ofGroup = (group) => ({
  shows: "count",
  less: true,
  value: (subject, { groups }) => {
    const checks = new Set(groups[group]);
    return wasAsked(subject) && checks.size > 0
      ? count([...wrong(subject)].filter((check) => checks.has(check)).length)
      : UNMEASURED;
  },
});

/** @param {(context: Context) => string | undefined} step @param {(cost: Cost) => Estimate | number | null} figure @returns {Column} */
const cost = (step, figure) => ({
  shows: "cost",
  less: true,
  value: ({ costs }, context) => {
    const found = costs.find((one) => one.step === step(context));
    if (found === undefined) return UNMEASURED;
    const value = figure(found);
    if (value === null) return { state: "withheld", sort: null, cost: found };
    return typeof value === "number"
      ? { state: "measured", sort: value, cost: found }
      : { state: "measured", sort: value.mean, estimate: value, cost: found };
  },
});

/** @param {Context} context */
const atRate = ({ step }) => step;
/** @param {Context} context the step in which sockets are left alone @returns {string | undefined} */
const idle = ({ steps }) => steps.find(({ scenario, deflate }) => scenario === "idle" && !deflate)?.name;

/** @type {Record<string, Column>} */
export const COLUMNS = {
  wrong: {
    shows: "count",
    less: true,
    value: (subject) => (wasAsked(subject) ? count(wrong(subject).size, answered(subject)) : UNMEASURED),
  },
  mended: {
    shows: "count",
    less: true,
    value: (subject) => {
      const untold = subject.bare === null && (subject.service === null || subject.service.mended.length > 0);
      return subject.on.length === 0 || untold ? UNMEASURED : count(mended(subject).size);
    },
  },
  closing: ofGroup("closing"),
  conformance: {
    shows: "count",
    less: true,
    value: ({ cases }) => (cases ? count(cases.wrong.length, cases.right + cases.wrong.length) : UNMEASURED),
  },
  cpu: cost(atRate, (one) => one.cpu),
  p99: cost(atRate, (one) => one.p99),
  socket: cost(idle, (one) => one.socket_memory),
  largest: fact(({ limits }) => {
    const most = limits.max_message ?? null;
    return most === null
      ? { state: "measured", sort: Infinity, word: "fact.noLimit" }
      : { state: "measured", sort: most };
  }),
  deflate: {
    shows: "word",
    value: (subject, { groups }) => {
      if (!wasAsked(subject) || !groups.compression?.includes(DEFLATE)) return UNMEASURED;
      const [answers] =
        subject.on.length > 0 ? subject.on : [/** @type {import("../results/model.js").Answers} */ (subject.bare)];
      const place = answers.absent.includes(DEFLATE) ? 2 : answers.wrong.includes(DEFLATE) ? 1 : 0;
      return { state: "measured", sort: place, word: ["deflate.yes", "deflate.wrong", "deflate.no"][place] };
    },
  },
  maintenance: fact(({ maintenance }) => ({
    state: "measured",
    sort: MAINTENANCE.indexOf(maintenance),
    word: `maintenance.${maintenance}`,
  })),
  lines: fact(({ sources, lines }) => (sources.length > 0 ? { state: "measured", sort: lines } : NONE)),
  ...Object.fromEntries(GROUPS.filter((group) => group !== "closing").map((group) => [group, ofGroup(group)])),
  memory: cost(atRate, (one) => one.memory),
  median: cost(atRate, (one) => one.p50),
  concurrency: fact(({ concurrency }) => ({
    state: "measured",
    sort: concurrency,
    word: `concurrency.${concurrency}`,
  })),
  released: fact(({ released }) => ({ state: "measured", sort: Date.parse(released) })),
};

/** Those that are shown at first. */
export const USUAL = [
  "wrong",
  "mended",
  "closing",
  "conformance",
  "cpu",
  "p99",
  "socket",
  "largest",
  "deflate",
  "maintenance",
  "lines",
];

/**
 * Equals stay in their order, and what has no value comes last, whichever way it goes.
 * @param {Subject[]} subjects @param {string} column empty for no order @param {boolean} descending
 * @param {Context} context @param {"en" | "zh"} language
 */
export function sorted(subjects, column, descending, context, language) {
  if (column !== "title" && !Object.hasOwn(COLUMNS, column)) return subjects;
  const words = new Intl.Collator(language === "zh" ? "zh-CN" : "en", { numeric: true, sensitivity: "base" });
  const sign = descending ? -1 : 1;
  return subjects
    .map((subject) => ({
      subject,
      value: column === "title" ? subject.title : COLUMNS[column].value(subject, context).sort,
    }))
    .sort(({ value: a }, { value: b }) => {
      if (a === null || b === null) return Number(a === null) - Number(b === null);
      if (a === b) return 0;
      return sign * (typeof a === "string" ? words.compare(a, String(b)) : a < Number(b) ? -1 : 1);
    })
    .map(({ subject }) => subject);
}
