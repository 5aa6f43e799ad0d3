// What a cell of Compare opens.
import { COLUMNS, GROUPS } from "./columns.js";
import { word } from "./cells.js";
import { t } from "../i18n/i18n.js";
import { mended, wrong } from "../results/subjects.js";

/** @typedef {import("./against.js").Difference} Difference */
/** @typedef {import("./columns.js").Context} Context */
/** @typedef {import("../results/drawer.js").Evidence} Evidence */
/** @typedef {import("../results/subjects.js").Subject} Subject */

/** @param {string} column @param {Subject} subject @param {Context} context @param {string} other the title of the one with whom it is compared
 * @param {Difference | undefined} difference from that one @returns {Evidence} */
export function evidenceOf(column, subject, context, other, difference) {
  const title = t(`column.${column}`);
  const begun = { key: `${subject.key} ${column} ${other} ${difference?.asked ?? ""}`, title, subject };
  const { state, cost, ...value } = COLUMNS[column].value(subject, context);
  if (state === "unmeasured") {
    return { ...begun, says: t(COLUMNS[column].shows === "cost" ? "cost.unmeasured" : "evidence.unmeasured") };
  }
  if (cost) return { ...begun, cost };
  const { worse, better, asked = 0 } = difference ?? {};
  const differing = worse && better ? [...worse, ...better] : null;
  const says =
    worse && better ? t("evidence.differ", { other, asked, worse: worse.length, better: better.length }) : undefined;
  if (column === "conformance") return { ...begun, says, cases: differing ?? subject.cases?.wrong ?? [] };
  if (column === "mended") return { ...begun, checks: [...mended(subject)] };
  if (column === "deflate") return { ...begun, checks: ["deflate"] };
  if (column === "wrong" || GROUPS.includes(column)) {
    const bad = wrong(subject);
    const all = column === "wrong" ? Object.values(context.groups).flat() : (context.groups[column] ?? []);
    return { ...begun, says, checks: differing ?? all.filter((check) => bad.has(check)) };
  }
  const facts = /** @type {[string, string][]} */ ([[title, word(column, { state, ...value })]]);
  return { ...begun, facts, says: t(`column.${column}.about`) };
}
