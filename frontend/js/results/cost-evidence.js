// What a cost is made of: the step, the settings, the rounds, and the histogram of the latency.
import { html, nothing } from "lit";
import { hasText, language, t, translatedPhrases } from "../i18n/i18n.js";
import { formatFigure, formatMicroseconds, formatQuantity } from "./figures.js";
import { label } from "./summary.js";

/** @typedef {import("./model.js").BenchRun} BenchRun */
/** @typedef {import("./model.js").Cost} Cost */
/** @typedef {import("./model.js").Run} Run */

/** @param {Cost} cost @param {Run | undefined} found */
export function costEvidence(cost, found) {
  const run = /** @type {BenchRun | undefined} */ (found);
  const target = run?.targets.find((one) => label(one) === cost.label);
  const step = run?.steps.find(({ name }) => name === cost.step);
  const figure = target?.figures.find((one) => one.step === cost.step);
  if (!run || !target || !step || !figure) return nothing;
  return html`
    <dl class="facts">
      <dt>${t("cost.step")}</dt><dd>${translatedPhrases(step.name).text} <span class="hint">${t("cost.how", { connections: step.connections, seconds: step.seconds, rounds: run.rounds })}</span></dd>
      ${figure.cpu ? html`<dt>${t("column.cpu")}</dt><dd>${estimated("cpu", figure.cpu)}</dd>` : nothing}
      ${figure.memory ? html`<dt>${t("column.memory")}</dt><dd>${estimated("memory", figure.memory)}</dd>` : nothing}
      ${figure.socket_memory ? html`<dt>${t("column.socket")}</dt><dd>${estimated("socket", figure.socket_memory)}</dd>` : nothing}
      ${figure.throughput === null ? nothing : html`<dt>${t("cost.throughput")}</dt><dd>${formatFigure(figure.throughput, language())}/s</dd>`}
      ${figure.refusals.map(({ why, says, withheld }) => html`<dt>${t("cost.withheld", { what: named("withheld", withheld) })}</dt><dd>${named("refusal", why)} <span class="hint" lang="en">${says}</span></dd>`)}
      ${Object.entries(target.versions).map(([what, version]) => html`<dt>${what}</dt><dd>${version}</dd>`)}
      ${Object.entries(target.settings).map(([what, { value, source }]) => html`<dt>${what}</dt><dd>${value} <span class="hint">${t(`setting.${source}`)}</span></dd>`)}
    </dl>
    ${figure.latency ? latency(figure.latency) : nothing}`;
}

/** What this page has no name for, as a percentile or a rule of a later version, is named as the file does. @param {"withheld" | "refusal"} kind @param {string} what */
function named(kind, what) {
  return hasText(`${kind}.${what}`) ? t(`${kind}.${what}`) : what;
}

/** @param {"cpu" | "memory" | "socket"} quantity @param {import("./model.js").Estimate} estimate */
function estimated(quantity, { mean, low, high, rounds }) {
  const write = (/** @type {number} */ value) => formatQuantity(quantity, value, language());
  return t("cost.estimate", { mean: write(mean), low: write(low), high: write(high), rounds });
}

/** @param {import("./model.js").Spread} spread */
function latency(spread) {
  /** @type {[string, number | null][]} */
  const rows = [
    ["p50", spread.p50],
    ["p90", spread.p90],
    ["p99", spread.p99],
    ["p99.9", spread.p999],
  ];
  return html`
    <table class="plain">
      <caption>${t("cost.latency", { samples: spread.samples })}</caption>
      <tbody>${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value === null || value === undefined ? t("cost.tooFew") : formatMicroseconds(value, language())}</td></tr>`)}</tbody>
    </table>`;
}
