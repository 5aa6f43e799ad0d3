// How all subjects compare with one of them, column by column.
import { COLUMNS } from "./columns.js";
import { fewer, less, ratio } from "../results/differences.js";

/** @typedef {import("./columns.js").Context} Context */
/** @typedef {import("../results/differences.js").Word} Word */
/** @typedef {import("../results/model.js").BenchRun} BenchRun */
/** @typedef {import("../results/model.js").Cost} Cost */
/** @typedef {import("../results/results.js").Results} Results */
/** @typedef {import("../results/subjects.js").Subject} Subject */
/** @typedef {Map<string, { word: Word }>} Differences by the subject's key and the column, with a blank between them */

/** @param {Subject[]} subjects @param {Subject} other @param {string[]} columns @param {Context} context @param {Results} results
 * @returns {Promise<Differences>} where both have a value, and less of it is better */
export async function differences(subjects, other, columns, context, results) {
  /** @type {Differences} */
  const found = new Map();
  for (const column of columns.filter((one) => COLUMNS[one].less)) {
    const its = COLUMNS[column].value(other, context);
    for (const subject of subjects.filter((one) => one !== other)) {
      const mine = COLUMNS[column].value(subject, context);
      if (typeof mine.sort !== "number" || typeof its.sort !== "number") continue;
      const word =
        mine.cost && its.cost ? await ofCosts(column, mine.cost, its.cost, results) : fewer(mine.sort, its.sort);
      found.set(`${subject.key} ${column}`, { word });
    }
  }
  return found;
}

/** @param {string} column @param {Cost} cost @param {Cost} other @param {Results} results @returns {Promise<Word>} */
async function ofCosts(column, cost, other, results) {
  if (cost.file !== other.file) return "elsewhere"; // another run may be of another machine, or of another hour
  const run = /** @type {BenchRun} */ (await results.run(cost.file));
  return less(await ratio(run, column, cost, other));
}
