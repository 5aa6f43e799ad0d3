// How all subjects compare with one of them, column by column.
import { COLUMNS, GROUPS } from "./columns.js";
import { answeredCases, answeredChecks, fewer, less, otherwise, ratio } from "../results/differences.js";
import { filesOf } from "../results/answers.js";

/** @typedef {import("./columns.js").Context} Context */
/** @typedef {import("../results/differences.js").Answered} Answered */
/** @typedef {import("../results/differences.js").Word} Word */
/** @typedef {import("../results/model.js").BenchRun} BenchRun */
/** @typedef {import("../results/model.js").Cost} Cost */
/** @typedef {import("../results/model.js").Run} Run */
/** @typedef {import("../results/results.js").Results} Results */
/** @typedef {import("../results/subjects.js").Subject} Subject */
/** @typedef {{ word: Word, worse?: string[], better?: string[], asked?: number }} Difference with the ids of the questions, where it is about these */
/** @typedef {Map<string, Difference>} Differences by the subject's key and the column, with a blank between them */

/** Where both have a value, and less of it is better. Rejects where a run that it takes cannot be loaded.
 * @param {Subject[]} subjects @param {Subject} other @param {string[]} columns @param {Context} context @param {Results} results
 * @returns {Promise<Differences>} */
export async function differences(subjects, other, columns, context, results) {
  const files = [...subjects, other].flatMap((one) => [...filesOf(one), ...(one.cases ? [one.cases.file] : [])]);
  /** @type {Map<string, Run>} */
  const runs = new Map();
  for (const file of new Set(files)) runs.set(file, await results.run(file));
  const [itsChecks, itsCases] = [answeredChecks(other, runs), answeredCases(other, runs)];
  /** @type {Differences} */
  const found = new Map();
  for (const subject of subjects.filter((one) => one !== other)) {
    const [checks, cases] = [answeredChecks(subject, runs), answeredCases(subject, runs)];
    for (const column of columns.filter((one) => COLUMNS[one].less)) {
      const [mine, its] = [subject, other].map((one) => COLUMNS[column].value(one, context));
      if (typeof mine.sort !== "number" || typeof its.sort !== "number") continue;
      const meant = GROUPS.includes(column) ? new Set(context.groups[column]) : null;
      /** @type {Difference} */
      const difference =
        mine.cost && its.cost
          ? { word: await ofCosts(column, mine.cost, its.cost, results) }
          : column === "mended"
            ? { word: fewer(mine.sort, its.sort) }
            : column === "conformance"
              ? ofAnswers(cases, itsCases, () => true)
              : ofAnswers(checks, itsChecks, (id) => meant?.has(id) ?? true);
      found.set(`${subject.key} ${column}`, difference);
    }
  }
  return found;
}

/** @param {Answered} mine @param {Answered} its @param {(id: string) => boolean} isMeant @returns {Difference} */
function ofAnswers(mine, its, isMeant) {
  const { worse, better, asked } = otherwise(mine, its, isMeant);
  return { word: asked === 0 ? "unclear" : fewer(worse.length, better.length), worse, better, asked };
}

/** @param {string} column @param {Cost} cost @param {Cost} other @param {Results} results @returns {Promise<Word>} */
async function ofCosts(column, cost, other, results) {
  if (cost.file !== other.file) return "elsewhere"; // another run may be of another machine, or of another hour
  const run = /** @type {BenchRun} */ (await results.run(cost.file));
  return less(await ratio(run, column, cost, other));
}
