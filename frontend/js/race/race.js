// A race: the same messages to several stacks at once, from this browser, and what came of each. Loaded when first shown.
import { html, nothing } from "lit";
import { BOUNDS, KINDS, kindOf, messagesOf, parse } from "./course.js";
import { Lane } from "./lane.js";
import { t } from "../i18n/i18n.js";
import { Component } from "../shared/component.js";
import { Follows } from "../shared/follows.js";
import { formatDuration } from "../shared/format.js";
import { yardstick } from "../shared/mark.js";
import { summarise } from "../shared/percentiles.js";
import { openStack } from "../shared/stack-table.js";
import { targetOf } from "../shared/target.js";
import { explanation, markText } from "../verify/mark-view.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("./course.js").Bounded} Bounded */

const FRAME = 100; // milliseconds between drawings
/** @type {Bounded[]} */
const NUMBERS = ["count", "size", "atOnce"];

class Race extends Component {
  static properties = {
    services: { attribute: false },
    statuses: { attribute: false },
    settings: { attribute: false },
    lanes: { state: true },
    running: { state: true },
    typed: { state: true },
  };

  constructor() {
    super();
    /** @type {Service[]} */
    this.services = [];
    /** @type {import("../shared/catalog.js").StatusBoard} */
    this.statuses = /** @type {any} */ (undefined); // always given
    /** @type {Record<string, string>} from the address */
    this.settings = {};
    /** @type {ReadonlyMap<string, Lane>} of the present race, or of the last one, by the stack's name */
    this.lanes = new Map();
    this.running = false;
    /** @type {Partial<Record<Bounded, string>>} numbers that are not allowed, as typed */
    this.typed = {};
    new Follows(this, () => this.statuses, ["change"]);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#stop();
  }

  /** The stacks that are to run: those of the address, or all that are up. */
  get #chosen() {
    const { stacks } = this.settings;
    if (stacks === undefined) return this.services.filter(({ name }) => this.statuses.of(name).state === "up");
    return this.services.filter(({ name }) => stacks.split(",").includes(name));
  }

  render() {
    const chosen = new Set(this.#chosen.map(({ name }) => name));
    const rows = this.lanes.size > 0 ? this.services.filter(({ name }) => this.lanes.has(name)) : this.#chosen;
    return html`
      <section class="stack-table race card" role="region" aria-labelledby="race-title">
        <header><div><h2 id="race-title" tabindex="-1">${t("views.race")}</h2><p class="hint">${t("race.lead")}</p></div></header>
        <form class="tools" novalidate @submit=${this.#pressed}>
          ${NUMBERS.map((name) => this.#number(name))}
          <label>${t("race.kind")}
            <select ?disabled=${this.running} @change=${(/** @type {Event & { target: HTMLSelectElement }} */ { target }) => this.#keep({ kind: target.value })}>
              ${KINDS.map((kind) => html`<option value=${kind} ?selected=${kind === kindOf(this.settings.kind)}>${t(`race.kind.${kind}`)}</option>`)}
            </select></label>
          <details class="chooser"><summary>${t("race.stacks", { count: chosen.size, all: this.services.length })}</summary>
            <fieldset ?disabled=${this.running}><legend class="visually-hidden">${t("views.stacks")}</legend>
              ${this.services.map(({ name, title }) => html`<label><input type="checkbox" .checked=${chosen.has(name)} @change=${() => this.#choose(name)}>${title}</label>`)}
            </fieldset>
          </details>
          <button type="submit" aria-disabled=${!this.running && (chosen.size === 0 || this.#wrong !== null)}>${t(this.running ? "race.stop" : "race.start")}</button>
        </form>
        <p class="error" role="alert" id="race-error">${this.#wrong ?? nothing}</p>
        <div class="wide-table" role="group" aria-labelledby="race-title" tabindex="0">
          <table>
            <thead><tr>${["stack", "progress", "echo", "p50", "p95", "took"].map((column) => html`<th scope="col" data-column=${column === "stack" ? "title" : column}>${t(`race.${column}`)}</th>`)}</tr></thead>
            <tbody>${rows.map((service) => this.#row(service))}</tbody>
          </table>
        </div>
        <p role="status" aria-label=${t("race.result")}>${this.#result()}</p>
        <p class="hint">${t("race.honest")}</p>
      </section>`;
  }

  /** What is wrong with the numbers, if anything is. */
  get #wrong() {
    const name = NUMBERS.find((name) => this.#value(name) === null);
    if (name === undefined) return null;
    const { least, most } = BOUNDS[name];
    return t("race.bounds", { what: t(`race.${name}`), least, most });
  }

  /** @param {Bounded} name */
  #value(name) {
    return parse(name, this.typed[name] ?? this.settings[name]);
  }

  /** @param {Bounded} name */
  #number(name) {
    const { least, most, usual } = BOUNDS[name];
    const text = this.typed[name] ?? this.settings[name] ?? String(usual);
    return html`<label>${t(`race.${name}`)}
      <input type="number" min=${least} max=${most} step="1" .value=${text} ?disabled=${this.running} aria-describedby="race-error"
        aria-invalid=${this.#value(name) === null ? "true" : nothing}
        @input=${(/** @type {Event & { target: HTMLInputElement }} */ { target }) => this.#numberTyped(name, target)}></label>`;
  }

  /** @param {Bounded} name @param {HTMLInputElement} input */
  #numberTyped(name, { value, validity }) {
    const text = validity.badInput ? "?" : value;
    this.typed = { ...this.typed, [name]: text };
    const number = parse(name, text);
    if (number !== null) this.#keep({ [name]: number === BOUNDS[name].usual ? "" : String(number) });
  }

  /** @param {Service} service */
  #row(service) {
    const lane = this.lanes.get(service.name);
    const { name, title } = service;
    const summary = lane && lane.rtts.length > 0 ? summarise(lane.rtts) : null;
    const all = lane?.all || 1;
    return html`
      <tr data-service=${name} data-stage=${lane?.stage ?? nothing} data-right=${lane && lane.finished ? String(lane.right) : nothing}>
        <th scope="row"><a href="?service=${name}" @click=${(/** @type {MouseEvent} */ event) => openStack(this, event, name)}>${title}</a> ${yardstick(service)}</th>
        <td>${lane ? html`<progress max=${all} value=${lane.sent} aria-label=${title}></progress> <small>${lane.sent}/${lane.all} · ${t(`race.stage.${lane.stage}`)}</small>` : html`<span class="no-figure">${t("race.notYet")}</span>`}</td>
        <td class="answers">${lane ? [...lane.marks.values()].map(({ count, mark }) => html`<div class="finding"><b>${count} ×</b> ${markText(mark)} ${explanation(mark)}</div>`) : nothing}</td>
        <td class="number">${summary ? formatDuration(summary.p50) : nothing}</td>
        <td class="number">${summary ? formatDuration(summary.p95) : nothing}</td>
        <td class="number">${lane?.took != null ? formatDuration(lane.took) : nothing}</td>
      </tr>`;
  }

  /** Who was wrong, in words. */
  #result() {
    const lanes = [...this.lanes].map(([name, lane]) => ({
      title: this.services.find((one) => one.name === name)?.title ?? name,
      lane,
    }));
    if (this.running || lanes.length === 0) return nothing;
    const wrong = lanes.filter(({ lane }) => !lane.right).map(({ title }) => title);
    if (wrong.length === 0) return t("race.allRight", { count: lanes.length });
    return t("race.wrong", { count: lanes.length - wrong.length, all: lanes.length, titles: wrong.join(", ") });
  }

  /** @param {Record<string, string>} part */
  #keep(part) {
    this.tell("ew-settings", { ...this.settings, ...part });
  }

  /** @param {string} name */
  #choose(name) {
    const chosen = new Set(this.#chosen.map((service) => service.name));
    if (!chosen.delete(name)) chosen.add(name);
    this.lanes = new Map();
    this.#keep({
      stacks: this.services
        .filter((service) => chosen.has(service.name))
        .map((service) => service.name)
        .join(),
    });
  }

  /** @param {Event} event */
  #pressed(event) {
    event.preventDefault();
    if (this.running) this.#stop();
    else if (this.#wrong === null && this.#chosen.length > 0) this.#start();
  }

  async #start() {
    const [count, size, atOnce] = NUMBERS.map((name) => this.#value(name) ?? BOUNDS[name].usual);
    const messages = messagesOf({ count, size, kind: kindOf(this.settings.kind), atOnce });
    this.lanes = new Map(
      this.#chosen.map(({ name }) => {
        const target = targetOf({ service: name, handler: "healthy", url: "" }, this.services, location);
        return [name, new Lane(/** @type {import("../shared/target.js").Target} */ (target), messages)];
      }),
    );
    this.running = true;
    const drawing = setInterval(() => this.requestUpdate(), FRAME); // what the lanes have done is no property
    const waiting = [...this.lanes.values()];
    const runNext = async () => {
      for (let lane = waiting.shift(); lane !== undefined; lane = waiting.shift()) await lane.run();
    };
    await Promise.all(Array.from({ length: atOnce }, runNext));
    clearInterval(drawing);
    this.running = false;
  }

  #stop() {
    for (const lane of this.lanes.values()) lane.stop();
  }
}

customElements.define("ew-race", Race);
