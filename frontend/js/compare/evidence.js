// What a cell of Compare opens.
import { COLUMNS, GROUPS } from "./columns.js";
import { word } from "./cells.js";
import { t } from "../i18n/i18n.js";
import { otherwise } from "../results/differences.js";
import { mended, wasAsked, wrong } from "../results/subjects.js";

/** @typedef {import("./columns.js").Context} Context */
/** @typedef {import("../results/drawer.js").Evidence} Evidence */
/** @typedef {import("../results/subjects.js").Subject} Subject */

/** @param {string} column @param {Subject} subject @param {Context} context @param {Subject | null} other with whom it is compared @returns {Evidence} */
export function evidenceOf(column, subject, context, other) {
  const title = t(`column.${column}`);
  const key = `${subject.key} ${column} ${other?.key ?? ""}`;
  const value = COLUMNS[column].value(subject, context);
  if (value.state === "unmeasured")
    return {
      key,
      title,
      subject,
      says: t(COLUMNS[column].shows === "cost" ? "cost.unmeasured" : "evidence.unmeasured"),
    };
  if (value.cost) return { key, title, subject, cost: value.cost };
  if (column === "conformance") return { key, title, subject, cases: subject.cases?.wrong ?? [] };
  if (column === "mended") return { key, title, subject, checks: [...mended(subject)] };
  if (column === "deflate") return { key, title, subject, checks: ["deflate"] };
  if (column === "wrong" || GROUPS.includes(column)) return ofChecks(column, { key, title, subject }, context, other);
  return { key, title, subject, facts: [[title, word(column, value)]], says: t(`column.${column}.about`) };
}

/** @param {string} column @param {Evidence} begun @param {Context} context @param {Subject | null} other @returns {Evidence} */
function ofChecks(column, begun, { groups }, other) {
  const { subject } = begun;
  const all = column === "wrong" ? Object.values(groups).flat() : (groups[column] ?? []);
  if (other && wasAsked(other)) {
    const { worse, better } = /** @type {{ worse: string[], better: string[] }} */ (otherwise(subject, other));
    const [bad, good] = [worse, better].map((some) => all.filter((check) => some.includes(check)));
    const says = t("evidence.differ", { other: other.title, worse: bad.length, better: good.length });
    return { ...begun, says, checks: [...bad, ...good] };
  }
  const bad = wrong(subject);
  return { ...begun, checks: all.filter((check) => bad.has(check)) };
}
