// What each stack does: every check by every stack, with the mends on or off. Loaded when first shown.
import { html, nothing } from "lit";
import "../results/add-own.js";
import "../results/drawer.js";
import { asTheyRan, rowsOf } from "./rows.js";
import { t } from "../i18n/i18n.js";
import { filesOf } from "../results/answers.js";
import { differing, legend, matrix } from "../results/matrix.js";
import { Measured } from "../results/measured.js";

/** @typedef {import("../results/model.js").Run} Run */
/** @typedef {import("../results/subjects.js").Subject} Subject */
/** @typedef {import("../results/matrix.js").Row} Row */

class Behaviour extends Measured {
  get files() {
    return [...new Set(this.subjects.flatMap(filesOf))];
  }

  render() {
    const { mends, group = "", all = "" } = this.settings;
    const subjects = asTheyRan(this.subjects, mends === "off");
    const rows = rowsOf(subjects, this.runs);
    const groups = [...new Set(rows.map((row) => row.group))].map((id) => ({ id, title: t(`column.${id}`) }));
    const ofGroup = rows.filter((row) => group === "" || row.group === group);
    const shown = all === "1" ? ofGroup : differing(ofGroup);
    return html`
      <section class="comparison card" role="region" aria-labelledby="behaviour-title">
        <header><div><h2 id="behaviour-title">${t("views.behaviour")}</h2><p class="hint">${t("behaviour.lead")}</p></div></header>
        <div class="tools">
          <label>${t("behaviour.mends")}
            <select @change=${(/** @type {Event & { target: HTMLSelectElement }} */ { target }) => this.keep({ mends: target.value })}>
              <option value="" ?selected=${mends !== "off"}>${t("behaviour.mends.on")}</option>
              <option value="off" ?selected=${mends === "off"}>${t("behaviour.mends.off")}</option>
            </select></label>
          <label>${t("behaviour.group")}
            <select @change=${(/** @type {Event & { target: HTMLSelectElement }} */ { target }) => this.keep({ group: target.value })}>
              <option value="">${t("behaviour.everything")}</option>
              ${groups.map(({ id, title }) => html`<option value=${id} ?selected=${id === group}>${title}</option>`)}
            </select></label>
          <label><input type="checkbox" role="switch" .checked=${all !== "1"} @change=${() => this.keep({ all: all === "1" ? "" : "1" })}>${t("behaviour.differ")}</label>
          <output aria-label=${t("behaviour.shown")}>${t("behaviour.count", { count: shown.length, all: ofGroup.length })}</output>
          <ew-add-own .results=${this.results}></ew-add-own>
        </div>
        ${this.complaint()}
        <div class="wide-table" role="group" aria-labelledby="behaviour-title" tabindex="0">
          ${matrix(subjects, groups, shown, (subject, row) => this.keep({ cell: `${subject.key} ${row.id}` }))}
        </div>
        ${this.results.known && subjects.length === 0 ? html`<p class="nothing">${t("evidence.unmeasured")}</p>` : nothing}
        ${legend(["right", "mended", "wrong", "absent", "limit", "undecided", "error"])}
      </section>
      ${this.drawer(this.#evidence(subjects))}`;
  }

  /** @param {Subject[]} subjects */
  #evidence(subjects) {
    const cell = this.settings.cell ?? "";
    const subject = subjects.find(({ key }) => cell.startsWith(`${key} `));
    if (!subject) return null;
    const check = cell.slice(cell.lastIndexOf(" ") + 1);
    return { key: `${cell} ${this.settings.mends ?? ""}`, title: check, subject, checks: [check] };
  }
}

customElements.define("ew-behaviour", Behaviour);
