// What a message costs each stack: latency, CPU time by rate, memory, and cost against correctness. Loaded when first
// shown.
import { html, nothing } from "lit";
import "../results/add-own.js";
import "../results/drawer.js";
import "./chart.js";
import { PERCENTILES, benchmarks, byRate, cpuByRate, curves, lines, place } from "./curves.js";
import { scatter } from "./scatter.js";
import { language, t, translatedPhrases } from "../i18n/i18n.js";
import { circumstances, formatMicroseconds, formatQuantity } from "../results/figures.js";
import { interval } from "../results/marks.js";
import { Measured } from "../results/measured.js";
import { usual } from "../results/steps.js";
import { summary } from "../results/summary.js";
import { wasAsked, wrong } from "../results/subjects.js";

/** @typedef {import("../results/model.js").BenchRun} BenchRun */
/** @typedef {import("../results/model.js").Estimate} Estimate */
/** @typedef {import("./curves.js").Line} Line */
/** @typedef {Map<string, (number | null)[]>} Curves */

const WRITTEN = [50, 90, 99, 99.9]; // the percentiles in the table
const TURN = 137.5; // degrees from one colour to the next, so that neighbours differ

class Cost extends Measured {
  static properties = { ...Measured.properties, curves: { state: true } };

  constructor() {
    super();
    /** @type {Curves} */
    this.curves = new Map();
    this.drawn = ""; // what the curves are of
  }

  /** Every benchmark that is published or added, the user's own first. */
  get benches() {
    const own = this.results.own
      .filter(({ index }) => index.costs.length > 0)
      .map(({ file, name }) => ({ file, title: name }));
    const published = benchmarks(this.results.index).map(({ file, scenarios }) => ({
      file,
      title: `${file.replace(/^bench\/|\.json$/g, "")} · ${scenarios.join(", ")}`,
    }));
    return [...own, ...published];
  }

  /** The one of them that is shown. */
  get bench() {
    return this.benches.find((one) => one.file === this.settings.run) ?? this.benches[0];
  }

  get files() {
    return this.bench ? [this.bench.file] : [];
  }

  updated() {
    super.updated();
    this.#decode();
  }

  /** @returns {{ file: string, run: BenchRun, step: string } | null} */
  get shown() {
    const file = this.bench?.file ?? "";
    const run = this.runs.get(file);
    if (run?.kind !== "bench") return null;
    const step = run.steps.find(({ name }) => name === this.settings.step) ?? usual(run.steps);
    return { file, run, step: step?.name ?? "" };
  }

  render() {
    const { shown, benches } = this;
    return html`
      <section class="comparison card" role="region" aria-labelledby="cost-title">
        <header><div><h2 id="cost-title">${t("views.cost")}</h2><p class="hint">${t("cost.lead")}</p></div></header>
        <div class="tools">
          ${
            benches.length > 1
              ? this.#choice(
                  "run",
                  t("cost.run"),
                  benches.map(({ file, title }) => [file, title]),
                  this.bench?.file,
                )
              : nothing
          }
          ${
            shown
              ? this.#choice(
                  "step",
                  t("cost.step"),
                  shown.run.steps.map(({ name }) => [name, translatedPhrases(name).text]),
                  shown.step,
                )
              : nothing
          }
          <ew-add-own .results=${this.results}></ew-add-own>
        </div>
        ${this.complaint()}
        ${this.results.known && benches.length === 0 ? html`<p class="nothing">${t("cost.unmeasured")}</p>` : nothing}
        ${shown ? html`<p class="hint run">${t("evidence.run", circumstances(shown.run))}</p>${this.#charts(shown.run, shown.step)}` : nothing}
      </section>
      ${this.drawer(shown ? this.#evidence(shown.file, shown.run, shown.step) : null)}`;
  }

  /** @param {string} setting @param {string} name @param {[string, string][]} options @param {string} [chosen] */
  #choice(setting, name, options, chosen) {
    return html`<label>${name}
      <select @change=${(/** @type {Event & { target: HTMLSelectElement }} */ { target }) => this.keep({ [setting]: target.value, cell: "" })}>
        ${options.map(([value, title]) => html`<option value=${value} ?selected=${value === chosen}>${title}</option>`)}
      </select></label>`;
  }

  /** @param {BenchRun} run @param {string} step */
  #charts(run, step) {
    const all = lines(run, step);
    const colours = new Map(all.map(({ label }, number) => [label, `hsl(${Math.round(number * TURN) % 360} 65% 48%)`]));
    const colour = (/** @type {string} */ label) => colours.get(label) ?? "";
    const titles = new Map(
      all.map(({ label, name }) => {
        const title = this.services.find((service) => service.name === name)?.title ?? name;
        return [label, `${title}${label.slice(name.length)}`]; // behind the name is what tells it from others of that name
      }),
    );
    const rates = byRate(
      run,
      run.steps.find(({ name }) => name === step),
    );
    const cpu = cpuByRate(run, rates);
    const memory = all.map(({ label, figure }) => ({ label, estimate: figure?.memory ?? null }));
    const found = this.subjects;
    const dots = all.flatMap(({ label, name, figure }) => {
      const subject = found.find((one) => one.service?.name === name && one.own === "");
      return figure?.cpu && subject && wasAsked(subject)
        ? [{ label, colour: colour(label), cost: figure.cpu.mean, wrong: wrong(subject).size }]
        : [];
    });
    const head = (/** @type {string} */ label) =>
      html`<th scope="row"><span class="named"><span class="swatch" aria-hidden="true">${swatch(colour(label))}</span> <button type="button" class="link" aria-haspopup="dialog" @click=${() => this.keep({ cell: label })}>${titles.get(label)}</button></span></th>`;
    return html`
      <div class="charts">
        <section aria-labelledby="cost-latency"><h3 id="cost-latency">${t("cost.curves")}</h3>
          <ew-chart name=${t("cost.curves")} unit="ms" .across=${PERCENTILES.map(place)} .ticks=${[...WRITTEN, 99.99].map((one) => ({ at: place(one), text: `p${one}` }))}
            .series=${all.map(({ label }) => ({ label, colour: colour(label), values: (this.curves.get(label) ?? PERCENTILES.map(() => null)).map((one) => one && one / 1000) }))}></ew-chart>
          ${table([...WRITTEN.map((one) => `p${one}`)], all, head, ({ label }) => WRITTEN.map((one) => microseconds(this.curves.get(label)?.[PERCENTILES.indexOf(one)] ?? null)))}
        </section>
        ${
          rates.length === 0
            ? nothing
            : html`
        <section aria-labelledby="cost-cpu"><h3 id="cost-cpu">${t("cost.cpuByRate")}</h3>
          <ew-chart name=${t("cost.cpuByRate")} unit="µs" .across=${rates.map(({ rate }) => Number(rate))} .ticks=${rates.map(({ rate }) => ({ at: Number(rate), text: `${rate}/s` }))}
            .series=${all.map(({ label }) => ({ label, colour: colour(label), values: (cpu.get(label) ?? []).map((one) => one?.mean ?? null) }))}></ew-chart>
          ${table([...rates.map(({ rate }) => `${rate}/s`)], all, head, ({ label }) => (cpu.get(label) ?? []).map((one) => (one ? estimated("cpu", one) : t("cell.withheld"))))}
        </section>`
        }
        <section aria-labelledby="cost-memory"><h3 id="cost-memory">${t("column.memory")}</h3>
          ${table([t("column.memory"), ""], memory, head, ({ estimate }) => (estimate ? [estimated("memory", estimate), interval(estimate, range(memory))] : [t("cell.unmeasured"), ""]))}
        </section>
        <section aria-labelledby="cost-scatter"><h3 id="cost-scatter">${t("cost.scatter")}</h3>
          ${
            dots.length === 0
              ? html`<p class="hint">${t("cost.noScatter")}</p>`
              : html`
          ${scatter(dots, t("cost.scatter"), t("cost.cpuAxis"), t("column.wrong"))}
          ${table([t("column.cpu"), t("column.wrong")], dots, head, ({ cost, wrong }) => [microseconds(cost), String(wrong)])}`
          }
        </section>
      </div>`;
  }

  /** @param {string} file @param {BenchRun} run @param {string} step */
  #evidence(file, run, step) {
    const cost = summary(run, file).costs.find((one) => one.label === this.settings.cell && one.step === step);
    const own = this.results.own.find((one) => one.file === file)?.name ?? "";
    if (!cost) return null;
    const subject = {
      key: cost.label,
      title: cost.label,
      service: null,
      own,
      on: [],
      bare: null,
      cases: null,
      costs: [cost],
    };
    return { key: `${file} ${cost.label} ${step}`, title: t("views.cost"), subject, cost };
  }

  async #decode() {
    const { file, run, step } = this.shown ?? {};
    const wanted = `${file} ${step}`;
    if (!run || step === undefined || wanted === this.drawn) return;
    this.drawn = wanted;
    const found = await curves(run, step);
    if (this.drawn === wanted) this.curves = found;
  }
}

/**
 * @template {{ label: string }} T
 * @param {string[]} heads @param {T[]} rows @param {(label: string) => unknown} head @param {(row: T) => unknown[]} cells
 */
function table(heads, rows, head, cells) {
  return html`<div class="wide-table"><table class="plain">
    <thead><tr><th scope="col" class="name">${t("column.title")}</th>${heads.map((one) => (one === "" ? html`<td></td>` : html`<th scope="col">${one}</th>`))}</tr></thead>
    <tbody>${rows.map((row) => html`<tr data-label=${row.label}>${head(row.label)}${cells(row).map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/** @param {string} colour */
const swatch = (colour) =>
  html`<svg viewBox="0 0 10 10" width="10" height="10"><circle cx="5" cy="5" r="5" fill=${colour} /></svg>`;

/** @param {number | null} value */
const microseconds = (value) => (value === null ? t("cost.none") : formatMicroseconds(value, language()));

/** @param {"cpu" | "memory"} quantity @param {Estimate} estimate */
function estimated(quantity, { mean, low, high }) {
  const write = (/** @type {number} */ value) => formatQuantity(quantity, value, language());
  return html`${write(mean)} <small class="hint">${write(low)} – ${write(high)}</small>`;
}

/** @param {{ estimate: Estimate | null }[]} of */
function range(of) {
  const ends = of.flatMap(({ estimate }) => (estimate ? [estimate.low, estimate.high] : []));
  return { least: Math.min(...ends), most: Math.max(...ends) };
}

customElements.define("ew-cost", Cost);
