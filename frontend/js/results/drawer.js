// The drawer that each cell opens: what its figure is made of.
import { html, nothing } from "lit";
import { t } from "../i18n/i18n.js";
import { Component } from "../shared/component.js";
import { outcome, sentence } from "../shared/sentence.js";
import { answersOf, casesOf, causeOf, filesOf, standingOf } from "./answers.js";
import { costEvidence } from "./cost-evidence.js";
import { circumstances, linkOf } from "./figures.js";
import { MARKS } from "./marks.js";

/** @typedef {import("./model.js").Run} Run */
/** @typedef {import("./model.js").CheckRun} CheckRun */
/** @typedef {import("./model.js").CaseResult} CaseResult */
/** @typedef {import("./model.js").Causes} Causes */
/** @typedef {import("./model.js").Cost} Cost */
/** @typedef {import("./answers.js").Answer} Answer */
/** @typedef {import("./results.js").Results} Results */
/** @typedef {import("./subjects.js").Subject} Subject */
/** @typedef {import("lit").TemplateResult} TemplateResult */
/**
 * What a cell asks for.
 * @typedef {object} Evidence
 * @property {string} key which it is: with another one the drawer begins anew
 * @property {string} title of what
 * @property {Subject} subject
 * @property {string} [says] a sentence that comes first
 * @property {string[]} [checks] the ids of those that are shown
 * @property {string[]} [cases]
 * @property {Cost} [cost]
 * @property {[string, string][]} [facts] of the catalog: what, and its value
 */

class Drawer extends Component {
  static properties = {
    evidence: { attribute: false },
    results: { attribute: false },
    runs: { state: true },
    causes: { state: true },
    trouble: { state: true },
  };

  constructor() {
    super();
    /** @type {Evidence | null} null while it is closed */
    this.evidence = null;
    /** @type {Results} */
    this.results = /** @type {any} */ (undefined); // always given
    /** @type {Map<string, Run> | null} by file; null until they are here */
    this.runs = null;
    /** @type {Causes} */
    this.causes = {};
    this.trouble = "";
  }

  #loaded = "";

  willUpdate() {
    const key = this.evidence?.key ?? "";
    if (key === this.#loaded) return;
    this.#loaded = key;
    if (this.evidence) this.#load(this.evidence);
  }

  updated() {
    const dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
    if (this.evidence && !dialog.open) {
      dialog.showModal();
      dialog.scrollTop = 0;
    }
    if (!this.evidence && dialog.open) dialog.close();
  }

  render() {
    const { evidence } = this;
    return html`
      <dialog class="drawer" aria-labelledby="evidence-title" @close=${this.#closed} @click=${this.#clicked}>
        ${evidence ? this.#content(evidence) : nothing}
      </dialog>`;
  }

  /** @param {Evidence} evidence */
  #content({ title, subject, says, checks, cases, cost, facts }) {
    return html`
      <div class="drawer-content">
        <header>
          <div><h2 id="evidence-title" tabindex="-1" autofocus>${subject.title}</h2><p class="hint">${title}${subject.own ? html` · ${t("own.from", { name: subject.own })}` : nothing}</p></div>
          <button type="button" class="outline" @click=${() => this.querySelector("dialog")?.close()}>${t("evidence.close")}</button>
        </header>
        ${says ? html`<p>${says}</p>` : nothing}
        ${this.trouble ? html`<p class="notice" role="alert">${t("evidence.failed", { detail: this.trouble })}</p>` : nothing}
        ${facts ? html`<dl class="facts">${facts.map(([what, value]) => html`<dt>${what}</dt><dd>${value}</dd>`)}</dl>` : nothing}
        ${facts && subject.service ? this.#exhibit(subject.service) : nothing}
        ${this.runs === null ? html`<p class="hint">${this.trouble ? nothing : t("evidence.loading")}</p>` : nothing}
        ${this.runs && checks ? this.#checks(subject, checks, this.runs) : nothing}
        ${this.runs && cases ? this.#cases(subject, cases, this.runs) : nothing}
        ${this.runs && cost ? costEvidence(cost, this.runs.get(cost.file)) : nothing}
        ${this.runs ? [...this.runs].map(([file, run]) => this.#source(file, run)) : nothing}
      </div>`;
  }

  /** @param {import("../shared/catalog.js").Service} service */
  #exhibit({ name, sources, homepage, documentation }) {
    return html`
      <p class="links">${sources.length > 0 ? html`<a href="?service=${name}">${t("evidence.code")}</a>` : nothing}
        <a href=${homepage} rel="noreferrer">${t("fact.homepage")}</a> <a href=${documentation} rel="noreferrer">${t("fact.documentation")}</a></p>`;
  }

  /** @param {Subject} subject @param {string[]} checks @param {Map<string, Run>} runs */
  #checks(subject, checks, runs) {
    const answers = answersOf(subject, runs);
    const shown = checks.filter((check) => answers.has(check));
    if (shown.length === 0) return html`<p>${t("evidence.noneWrong")}</p>`;
    return shown.map((check) => this.#check(subject, /** @type {Answer} */ (answers.get(check)), shown.length === 1));
  }

  /** @param {Subject} subject @param {Answer} answer @param {boolean} open */
  #check(subject, { question, said, standing }, open) {
    const { known, mend } = causeOf(subject, question.id);
    const outcomes = [
      ...new Set(
        said
          .filter(({ mends }) => standing === "mended" || mends !== "off" || subject.on.length === 0)
          .map(({ result }) => result.outcome),
      ),
    ];
    const link = linkOf(question.section);
    return html`
      <details class="answer" ?open=${open} data-check=${question.id} data-standing=${standing}>
        <summary><span class="mark" aria-hidden="true">${MARKS[standing]}</span> <span class="visually-hidden">${t(`standing.${standing}`)}:</span> <code>${question.id}</code> <span class="outcome">${outcome(...outcomes)}</span></summary>
        <p>${sentence(question.question)}</p>
        <dl class="facts">
          <dt>${t("evidence.section")}</dt><dd>${link ? html`<a href=${link} rel="noreferrer">${question.section}</a>` : question.section}</dd>
          <dt>${t("evidence.right")}</dt><dd>${outcome(...question.expects)}</dd>
          ${question.sends ? html`<dt>${t("evidence.sent")}</dt><dd>${sentence(question.sends)}</dd>` : nothing}
          ${said.map(
            ({ via, mends, result }) => html`
          <dt>${t("evidence.back")} <small>${this.#how(via, mends)}</small></dt>
          <dd data-verdict=${result.verdict}>${outcome(result.outcome)}${result.detail ? html` <span class="hint" lang="en">(${result.detail})</span>` : nothing}</dd>`,
          )}
          ${known ? html`<dt>${t("evidence.cause")}</dt><dd>${sentence(known.reason)} <a href=${known.link} rel="noreferrer">${t("source.why")}</a></dd>` : nothing}
          ${mend ? html`<dt>${t("evidence.mend")}</dt><dd>${sentence(mend.reason)} <a href=${mend.link} rel="noreferrer">${t("source.why")}</a> <span class="hint">${t("source.by")} <code>${mend.by}</code></span></dd>` : nothing}
          <dt>${t("evidence.frames")}</dt><dd><code>echowall check ${subject.service?.name ?? subject.title} --explain ${question.id}</code></dd>
        </dl>
        ${standing === "wrong" ? html`<p class="hint">${t(known ? "evidence.deviation" : "evidence.wrong")}</p>` : nothing}
      </details>`;
  }

  /** @param {Subject} subject @param {string[]} cases @param {Map<string, Run>} runs */
  #cases(subject, cases, runs) {
    const shown = casesOf(subject, runs).filter((one) => cases.includes(one.case));
    if (shown.length === 0) return html`<p>${t("evidence.noCaseWrong")}</p>`;
    return shown.map((one) => this.#case(subject, one, shown.length === 1));
  }

  /** @param {Subject} subject @param {CaseResult} result @param {boolean} open */
  #case(subject, result, open) {
    const told = this.causes[subject.service?.name ?? ""];
    const cause = [...(told?.known ?? []), ...(told?.mended ?? [])].find(({ cases }) => cases.includes(result.case));
    const check = cause?.check ? causeOf(subject, cause.check) : null;
    const deviation =
      check?.known ?? check?.mend ?? (cause?.reason ? { reason: cause.reason, link: cause.link ?? "" } : null);
    const mark = MARKS[standingOf(result.verdict)];
    return html`
      <details class="answer" ?open=${open} data-case=${result.case} data-verdict=${result.verdict}>
        <summary><span class="mark" aria-hidden="true">${mark}</span> <code>${result.case}</code> <span class="outcome">${outcome(result.outcome)}</span></summary>
        <dl class="facts">
          <dt>${t("evidence.messages")}</dt><dd lang="en">${result.behavior}</dd>
          <dt>${t("evidence.closeOf")}</dt><dd lang="en">${result.close}${result.close_code === null ? nothing : ` (${result.close_code})`}</dd>
          ${result.detail ? html`<dt>${t("evidence.detail")}</dt><dd lang="en">${result.detail}</dd>` : nothing}
          ${deviation ? html`<dt>${t("evidence.cause")}</dt><dd>${cause?.check ? html`<code>${cause.check}</code>: ` : nothing}${sentence(deviation.reason)} ${deviation.link ? html`<a href=${deviation.link} rel="noreferrer">${t("source.why")}</a>` : nothing}</dd>` : nothing}
          <dt>${t("evidence.frames")}</dt><dd><code>echowall conformance ${subject.service?.name ?? subject.title} --explain ${result.case}</code></dd>
        </dl>
      </details>`;
  }

  /** @param {string} file @param {Run} run */
  #source(file, run) {
    const what = t("evidence.run", circumstances(run));
    return html`<p class="hint run">${file.startsWith("own:") ? what : html`<a href="results/${file}">${what}</a>`}${run.interrupted ? html` <strong>${t("evidence.interrupted")}</strong>` : nothing}</p>`;
  }

  /** @param {string | null} via @param {string | null} mends */
  #how(via, mends) {
    return [via && t(`via.${via}`), mends === "off" && t("mends.off")].filter(Boolean).join(", ");
  }

  /** @param {Evidence} evidence */
  async #load({ key, subject, checks, cases, cost }) {
    this.runs = null;
    this.trouble = "";
    const files = [
      ...(checks ? filesOf(subject) : []),
      ...(cases && subject.cases ? [subject.cases.file] : []),
      ...(cost ? [cost.file] : []),
    ];
    try {
      if (cases) this.causes = await this.results.causes();
      const runs = new Map(
        await Promise.all(
          files.map(async (file) => /** @type {[string, Run]} */ ([file, await this.results.run(file)])),
        ),
      );
      if (this.#loaded === key) this.runs = runs;
    } catch (error) {
      if (this.#loaded === key) this.trouble = /** @type {Error} */ (error).message;
    }
  }

  /** A click beside the drawer closes it. @param {MouseEvent} event */
  #clicked(event) {
    if (event.target === this.querySelector("dialog")) this.querySelector("dialog")?.close();
  }

  #closed() {
    if (this.evidence) this.tell("ew-evidence-closed");
  }
}

customElements.define("ew-evidence", Drawer);
