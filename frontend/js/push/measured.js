// What a benchmark found about push and polling: its curves, a table of the same, and where they cross.
import { html, nothing, svg } from "lit";
import "../results/add-own.js";
import { QUANTITIES, crossings, filesOf, scale, targetOf, ways } from "./curves.js";
import { language, t } from "../i18n/i18n.js";
import { circumstances, formatFigure, formatMicroseconds } from "../results/figures.js";
import { Component } from "../shared/component.js";
import { Follows } from "../shared/follows.js";
import { formatSize } from "../shared/format.js";

/** @typedef {import("../results/model.js").BenchRun} BenchRun */
/** @typedef {import("../results/model.js").Benched} Benched */
/** @typedef {import("../results/results.js").Results} Results */
/** @typedef {import("./curves.js").Point} Point */
/** @typedef {import("./curves.js").Quantity} Quantity */
/** @typedef {import("./curves.js").Way} Way */
/** @typedef {{ run: BenchRun, target: Benched }} Measured by one route */

const WIDTH = 640;
const HEIGHT = 260;
/** Of the plot, within the drawing. */
const PLOT = { left: 70, right: WIDTH - 60, top: 12, bottom: HEIGHT - 34 };
const MOST_TICKS = 6;

class PushMeasured extends Component {
  static properties = {
    results: { attribute: false },
    service: { attribute: false },
    stack: { attribute: false },
    measured: { state: true },
    trouble: { state: true },
    quantity: { state: true },
    route: { state: true },
  };

  constructor() {
    super();
    /** @type {Results} */
    this.results = /** @type {any} */ (undefined); // always given
    this.service = "";
    this.stack = ""; // what it is called
    /** @type {Measured[]} */
    this.measured = [];
    this.trouble = "";
    /** @type {Quantity} */
    this.quantity = "cpu";
    this.route = "";
    this.loaded = ""; // which runs, and whose figures they should have
    new Follows(
      this,
      () => this.results,
      ["change"],
      () => this.#load(),
    );
  }

  updated() {
    this.#load();
  }

  /** The newest run that has this stack, by each route, the user's own before all. */
  async #load() {
    const { own, index } = this.results;
    const files = [...filesOf([...own.map((one) => one.index), index], this.service)];
    const wanted = `${this.service} ${files}`;
    if (wanted === this.loaded) return;
    this.loaded = wanted;
    this.measured = [];
    this.trouble = "";
    for (const [label, file] of files) {
      try {
        const run = await this.results.run(file);
        if (this.loaded !== wanted) return;
        const target = run.kind === "bench" ? targetOf(run, label) : undefined;
        if (target) this.measured = [...this.measured, { run: /** @type {BenchRun} */ (run), target }];
      } catch (error) {
        if (this.loaded === wanted) this.trouble = /** @type {Error} */ (error).message;
      }
    }
  }

  render() {
    const chosen = this.measured.find(({ target }) => target.via === this.route) ?? this.measured[0];
    return html`
      <section class="push-measured card" role="region" aria-labelledby="push-measured-title">
        <header><h2 id="push-measured-title">${t("push.measured")} · ${this.stack}</h2></header>
        <ew-add-own .results=${this.results}></ew-add-own>
        ${this.trouble === "" ? nothing : html`<p class="notice" role="alert">${t("evidence.failed", { detail: this.trouble })}</p>`}
        ${chosen ? this.#found(chosen) : this.results.known ? html`<p class="nothing">${t("push.unmeasured")}</p>` : nothing}
      </section>`;
  }

  /** @param {Measured} measured */
  #found({ run, target }) {
    const found = ways(run, target, this.quantity);
    const across = [...new Set(found.flatMap(({ points }) => [...points.keys()]))].sort((a, b) => a - b);
    return html`
      <p class="hint run">${t("evidence.run", circumstances(run))}</p>
      <ul class="crossings">${crossings(run, target).map(
        (one) =>
          html`<li>${t(`push.crossing.${one.side}`, {
            push: t(`push.${one.push}`),
            polled: formatFigure(one.polled, language()),
            at: formatFigure(one.at ?? 0, language()),
            low: formatFigure(one.low, language()),
            high: formatFigure(one.high, language()),
            shortest: formatFigure(one.shortest, language()),
            longest: formatFigure(one.longest, language()),
            rounds: one.rounds,
          })}</li>`,
      )}</ul>
      <div class="controls">
        ${this.#choice(
          "quantity",
          QUANTITIES.map((one) => [one, t(`push.quantity.${one}`)]),
          this.quantity,
        )}
        ${
          this.measured.length > 1
            ? this.#choice(
                "route",
                this.measured.map(({ target: { via } }) => [via ?? "", t(`push.route.${via}`)]),
                target.via ?? "",
              )
            : nothing
        }
      </div>
      ${found.length === 0 ? html`<p class="nothing">${t("push.withheld")}</p>` : html`${chart(found, across, this.quantity)}<p class="hint">${legend(found, this.quantity, target)}</p>${this.#table(found, across)}`}`;
  }

  /** @param {"quantity" | "route"} setting @param {[string, string][]} options @param {string} chosen */
  #choice(setting, options, chosen) {
    return html`<label>${t(`push.choose.${setting}`)}
      <select @change=${(/** @type {Event & { target: HTMLSelectElement }} */ { target }) => Object.assign(this, { [setting]: target.value })}>
        ${options.map(([value, title]) => html`<option value=${value} ?selected=${value === chosen}>${title}</option>`)}
      </select></label>`;
  }

  /** @param {Way[]} found @param {number[]} across */
  #table(found, across) {
    return html`<div class="wide-table" role="group" aria-labelledby="push-measured-title" tabindex="0"><table class="plain">
      <thead><tr><th scope="col" class="name">${t("push.way")}</th>${across.map((every) => html`<th scope="col">${t("push.every.cell", { every: formatFigure(every, language()) })}</th>`)}</tr></thead>
      <tbody>${found.map(
        (way) => html`<tr data-way=${way.key}><th scope="row">${nameOf(way)}</th>
        ${across.map((every) => html`<td>${this.#cell(way.points.get(every))}</td>`)}</tr>`,
      )}</tbody>
    </table></div>`;
  }

  /** @param {Point | undefined} point */
  #cell(point) {
    if (point === undefined) return t("cell.unmeasured");
    const { mean, low, high, derived } = point;
    const write = (/** @type {number} */ value) => written(this.quantity, value);
    return html`${write(mean)}${low === null || high === null ? nothing : html` <small class="hint">${write(low)} – ${write(high)}</small>`}${derived ? html` <small class="hint">${t("push.derived")}</small>` : nothing}`;
  }
}

/** @param {Way} way */
function nameOf({ transport, polled }) {
  const name = t(`push.${transport}`);
  return polled === null ? name : t("push.polledEach", { name, seconds: formatFigure(polled, language()) });
}

/** @param {Quantity} quantity @param {number} value */
function written(quantity, value) {
  if (quantity === "down") return formatSize(Math.round(value));
  if (quantity === "requests") return `${formatFigure(value, language())}/s`;
  return formatMicroseconds(value, language());
}

/** The curves, on logarithmic scales. @param {Way[]} found @param {number[]} across @param {Quantity} quantity */
function chart(found, across, quantity) {
  const points = found.flatMap((way) => [...way.points.values()]);
  const heights = points.flatMap(({ mean, low, high }) => [mean, low ?? mean, high ?? mean]).filter((one) => one > 0);
  if (heights.length === 0) return nothing;
  const x = scale(across, PLOT.left, PLOT.right);
  const y = scale(heights, PLOT.bottom, PLOT.top);
  return html`<svg class="push-chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${t("push.chart", { quantity: t(`push.quantity.${quantity}`) })}>
    ${ticks(heights).map((value) => svg`<line class="grid" x1=${PLOT.left} x2=${PLOT.right} y1=${y(value)} y2=${y(value)} /><text class="value" x=${PLOT.left - 6} y=${y(value) + 4}>${written(quantity, value)}</text>`)}
    ${across.map((every) => svg`<text class="every" x=${x(every)} y=${HEIGHT - 12}>${t("push.every.cell", { every: formatFigure(every, language()) })}</text>`)}
    ${found.map((way, number) => {
      const shown = [...way.points].filter(([, { mean }]) => mean > 0).sort(([a], [b]) => a - b);
      return svg`<g class="way" data-number=${number}>
        <polyline points=${shown.map(([every, { mean }]) => `${x(every).toFixed(1)},${y(mean).toFixed(1)}`).join(" ")} />
        ${shown.map(([every, { mean, low, high, derived }]) => svg`${low && high ? svg`<line x1=${x(every)} x2=${x(every)} y1=${y(low)} y2=${y(high)} />` : nothing}<circle class=${derived ? "derived" : "seen"} cx=${x(every)} cy=${y(mean)} r="4" />`)}
      </g>`;
    })}
  </svg>
  <ul class="push-key">${found.map((way, number) => html`<li data-number=${number}><svg viewBox="0 0 24 10" width="24" height="10" aria-hidden="true">${svg`<line x1="0" x2="24" y1="5" y2="5" />`}</svg> ${nameOf(way)}</li>`)}</ul>`;
}

/** What the chart's parts are. @param {Way[]} found @param {Quantity} quantity @param {Benched} target */
function legend(found, quantity, { via }) {
  const points = found.flatMap((way) => [...way.points.values()]);
  const parts = {
    "push.axis": true,
    "push.axis.interval": points.some(({ low }) => low !== null),
    "push.axis.cpu": quantity === "cpu",
    "push.axis.proxy": quantity === "cpu" && via === "proxy",
    "push.axis.derived": points.some(({ derived }) => derived),
  };
  return Object.entries(parts)
    .filter(([, told]) => told)
    .map(([key]) => html`${t(key)} `);
}

/** Round values between the least and the most: powers of ten, and with few of them twice and five times those. @param {number[]} values */
export function ticks(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const of = (/** @type {number[]} */ ...steps) => {
    const found = [];
    for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++) {
      for (const step of steps)
        if (step * 10 ** power >= least && step * 10 ** power <= most) found.push(step * 10 ** power);
    }
    return found;
  };
  const [fine, coarse] = [of(1, 2, 5), of(1)];
  return fine.length <= MOST_TICKS ? fine : coarse;
}

customElements.define("ew-push-measured", PushMeasured);
