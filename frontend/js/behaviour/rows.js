// What each subject answered to each check, as rows of marks.
import { answersOf } from "../results/answers.js";

/** @typedef {import("../results/model.js").Run} Run */
/** @typedef {import("../results/model.js").CheckRun} CheckRun */
/** @typedef {import("../results/model.js").Question} Question */
/** @typedef {import("../results/matrix.js").Row} Row */
/** @typedef {import("../results/subjects.js").Subject} Subject */

/** As each runs in the lab, or with its mends off: those that have any. @param {Subject[]} subjects @param {boolean} bare @returns {Subject[]} */
export function asTheyRan(subjects, bare) {
  if (!bare) return subjects.filter(({ on, bare }) => on.length > 0 || bare !== null);
  return subjects.flatMap((one) => {
    if (one.bare) return [{ ...one, on: [{ ...one.bare }], bare: null }];
    const unmended = one.on.length > 0 && (one.service === null || one.service.mended.length === 0);
    return unmended ? [one] : []; // what mends nothing is the same with its mends off
  });
}

/** @param {Subject[]} subjects @param {Map<string, Run>} runs by file @returns {Row[]} in the order of the checks */
export function rowsOf(subjects, runs) {
  const answers = subjects.map((subject) => answersOf(subject, runs));
  /** @type {Map<string, Question>} */
  const questions = new Map();
  const newest = [...runs.values()].sort((a, b) => b.began.localeCompare(a.began));
  for (const run of newest) {
    if (run.kind === "check")
      for (const question of run.checks) if (!questions.has(question.id)) questions.set(question.id, question);
  }
  return [...questions.values()].map(({ id, group, question }) => ({
    id,
    group,
    about: question,
    marks: answers.map((its) => its.get(id)?.standing ?? "unasked"),
  }));
}
