// What came of each check, for one subject: by each route, with its mends on and off, and why.
import { mended, wrong } from "./subjects.js";

/** @typedef {import("./model.js").CheckRun} CheckRun */
/** @typedef {import("./model.js").CaseResult} CaseResult */
/** @typedef {import("./model.js").Question} Question */
/** @typedef {import("./model.js").Result} Result */
/** @typedef {import("./model.js").Run} Run */
/** @typedef {import("./subjects.js").Subject} Subject */
/** @typedef {import("../shared/catalog.js").Deviation} Deviation */
/** @typedef {import("../shared/catalog.js").Mend} Mend */
/** @typedef {"right" | "mended" | "wrong" | "absent" | "undecided" | "limit" | "error" | "unasked"} Standing */
/** @typedef {{ via: string | null, mends: string | null, file: string, result: Result }} Said */
/** @typedef {{ question: Question, said: Said[], standing: Standing }} Answer */

/** The files in which its answers are. @param {Subject} subject @returns {string[]} */
export function filesOf({ on, bare }) {
  return [...new Set([...on, ...(bare ? [bare] : [])].map(({ file }) => file))];
}

/** @param {Subject} subject @param {Map<string, Run>} runs by file @returns {Map<string, Answer>} by the checks' ids */
export function answersOf(subject, runs) {
  /** @type {Map<string, Answer>} */
  const found = new Map();
  for (const { file, name, via, mends } of [...subject.on, ...(subject.bare ? [subject.bare] : [])]) {
    const run = /** @type {CheckRun | undefined} */ (runs.get(file));
    const target = run?.targets.find((one) => one.name === name && one.via === via && one.mends === mends);
    const questions = new Map(run?.checks.map((question) => [question.id, question]));
    for (const result of target?.results ?? []) {
      const question = questions.get(result.check);
      if (question === undefined) continue;
      const answer = found.get(result.check) ?? { question, said: [], standing: "unasked" };
      answer.said.push({ via, mends, file, result });
      found.set(result.check, answer);
    }
  }
  const [bad, needing] = [wrong(subject), mended(subject)];
  for (const [check, answer] of found) answer.standing = standing(check, answer.said, bad, needing);
  return found;
}

/** @param {string} check @param {Said[]} said @param {Set<string>} bad @param {Set<string>} needing @returns {Standing} */
function standing(check, said, bad, needing) {
  if (bad.has(check)) return "wrong";
  if (needing.has(check)) return "mended";
  const counting = said.some(({ mends }) => mends !== "off") ? said.filter(({ mends }) => mends !== "off") : said;
  const verdicts = counting.map(({ result }) => result.verdict);
  if (verdicts.includes("pass")) return "right";
  for (const verdict of /** @type {const} */ (["undecided", "limit", "error"]))
    if (verdicts.includes(verdict)) return verdict;
  return "absent";
}

/** @param {Subject} subject @param {Map<string, Run>} runs by file @returns {CaseResult[]} */
export function casesOf({ cases }, runs) {
  const run = runs.get(cases?.file ?? "");
  if (!cases || run?.kind !== "conformance") return [];
  const { name, via, mends } = cases;
  return run.targets.find((one) => one.name === name && one.via === via && one.mends === mends)?.results ?? [];
}

/** What a verdict is called where only one is shown. @param {import("./model.js").Verdict} verdict @returns {Standing} */
export function standingOf(verdict) {
  if (verdict === "pass") return "right";
  if (verdict === "fail") return "wrong";
  return verdict === "unsupported" ? "absent" : verdict;
}

/** Why it is so, by the catalog. @param {Subject} subject @param {string} check @returns {{ known: Deviation | null, mend: Mend | null }} */
export function causeOf({ service }, check) {
  const isAbout = (/** @type {Deviation} */ { checks }) => checks.includes(check);
  return { known: service?.known.find(isAbout) ?? null, mend: service?.mended.find(isAbout) ?? null };
}
