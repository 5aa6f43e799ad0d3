// What came of the cases of the Autobahn Testsuite: by category, and case by case.
import { standingOf } from "../results/answers.js";

/** @typedef {import("../results/model.js").CaseResult} CaseResult */
/** @typedef {import("../results/matrix.js").Row} Row */
/** @typedef {{ right: number, wrong: number, absent: number, other: number }} Counts */

/** @param {string} id of a case @returns {string} the number of its category */
export const categoryOf = (id) => id.slice(0, id.indexOf("."));

/** @param {CaseResult[]} results @returns {Map<string, Counts>} by the numbers of the categories */
export function byCategory(results) {
  /** @type {Map<string, Counts>} */
  const found = new Map();
  for (const result of results) {
    const category = categoryOf(result.case);
    const counts = found.get(category) ?? { right: 0, wrong: 0, absent: 0, other: 0 };
    const standing = standingOf(result.verdict);
    counts[standing === "right" || standing === "wrong" || standing === "absent" ? standing : "other"]++;
    found.set(category, counts);
  }
  return found;
}

/** @param {CaseResult[][]} results of each subject @param {string} category @returns {Row[]} in the suite's order */
export function rowsOf(results, category) {
  const of = results.map((its) => new Map(its.map((result) => [result.case, standingOf(result.verdict)])));
  const cases = new Set(results.flat().map((result) => result.case));
  return [...cases]
    .filter((id) => categoryOf(id) === category)
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map((id) => ({ id, about: id, group: category, marks: of.map((its) => its.get(id) ?? "unasked") }));
}
