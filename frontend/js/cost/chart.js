// A chart of lines by uPlot. What it shows is in a table beside it as well.
import uPlot from "uplot";
import { Component } from "../shared/component.js";
import { Follows } from "../shared/follows.js";
import { themeChanges } from "../shared/theme.js";
import { html } from "lit";

/** @typedef {{ label: string, colour: string, values: (number | null)[] }} Series */
/** @typedef {{ at: number, text: string }} Tick */

const HEIGHT = 300;

class Chart extends Component {
  static properties = {
    name: { type: String },
    across: { attribute: false },
    series: { attribute: false },
    ticks: { attribute: false },
    unit: { type: String },
  };

  constructor() {
    super();
    this.name = "";
    /** @type {number[]} where the values stand */
    this.across = [];
    /** @type {Series[]} */
    this.series = [];
    /** @type {Tick[]} what is written below */
    this.ticks = [];
    this.unit = "";
    /** @type {uPlot | null} */
    this.plot = null;
    this.sizes = new ResizeObserver(() => this.plot?.setSize({ width: this.clientWidth, height: HEIGHT }));
    new Follows(this, () => themeChanges, ["change"]);
  }

  connectedCallback() {
    super.connectedCallback();
    this.sizes.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.sizes.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }

  render() {
    return html`<div class="plot" role="img" aria-label=${this.name}></div>`;
  }

  updated() {
    this.plot?.destroy();
    const place = /** @type {HTMLElement} */ (this.querySelector(".plot"));
    const style = getComputedStyle(this);
    const axis = {
      stroke: style.getPropertyValue("--pico-muted-color"),
      grid: { stroke: style.getPropertyValue("--edge"), width: 1 },
    };
    this.plot = new uPlot(
      {
        width: Math.max(200, this.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: { distr: 3 } },
        axes: [
          { ...axis, splits: this.ticks.map(({ at }) => at), values: () => this.ticks.map(({ text }) => text) },
          {
            ...axis,
            size: 70,
            values: (_, values) =>
              values.map((value) => (value === null ? "" : `${Number(value.toPrecision(3))} ${this.unit}`)),
          },
        ],
        series: [
          {},
          ...this.series.map(({ colour }) => ({
            stroke: colour,
            width: 2,
            points: { show: true, size: 5, fill: colour },
          })),
        ],
      },
      [this.across, ...this.series.map(({ values }) => values)],
      place,
    );
  }
}

customElements.define("ew-chart", Chart);
