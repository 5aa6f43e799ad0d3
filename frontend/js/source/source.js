// "How it is done": the stack's real files, its facts, its known deviations and its mends.
import { html, nothing } from "lit";
import { language, t } from "../i18n/i18n.js";
import { again } from "../shared/again.js";
import { deviations, mends } from "../shared/catalog.js";
import { Component } from "../shared/component.js";
import { formatDay, formatSize } from "../shared/format.js";
import { yardstick } from "../shared/mark.js";
import { outcome, sentence } from "../shared/sentence.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("../shared/catalog.js").Deviation} Deviation */
/** @typedef {import("./highlight.js").Token} Token */
/** @typedef {{ tokens: Token[] } | { error: string }} Loaded */

/** @type {Map<string, Promise<Loaded>>} */
const sources = new Map();

/** @param {string} path @returns {Promise<Loaded>} */
async function load(path) {
  try {
    const [{ highlight }, response] = await again(() => Promise.all([import("./highlight.js"), fetch(path)]));
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return { tokens: highlight(await response.text(), path) };
  } catch (error) {
    sources.delete(path); // the next opening tries again
    return { error: /** @type {Error} */ (error).message };
  }
}

export class Source extends Component {
  static properties = {
    service: { attribute: false },
    first: { type: String },
    file: { state: true },
    source: { state: true },
  };

  constructor() {
    super();
    /** @type {Service | null} */
    this.service = null;
    this.first = "echo"; // or "chat": whose file is shown first
    this.file = "";
    /** @type {Loaded | null} */
    this.source = null;
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (!changed.has("service") || this.service === null) return;
    const { sources } = this.service;
    this.#show(sources.find((file) => file.startsWith(`${this.first}.`)) ?? sources[0] ?? "");
  }

  /** @param {string} file */
  async #show(file) {
    const path = `services/${this.service?.name}/${file}`;
    this.file = file;
    this.source = null;
    const source = sources.get(path) ?? load(path);
    sources.set(path, source);
    const loaded = await source;
    if (path !== `services/${this.service?.name}/${this.file}`) return; // another is wanted by now
    this.source = loaded;
  }

  render() {
    if (this.service === null) return html`<p>${t("source.own")}</p>`;
    return html`
      <h3>${t("source.facts")} ${yardstick(this.service)}</h3>
      ${facts(this.service)}
      ${known(this.service)}
      ${mended(this.service)}
      <div class="files" role="group" aria-label=${t("source.files")}>
        ${this.service.sources.map(
          (file) => html`<button type="button" class="outline" aria-pressed=${file === this.file}
          @click=${() => this.#show(file)}>${file}</button>`,
        )}
      </div>
      <section class="code" role="region" aria-label=${t("source.region", { file: this.file })} tabindex="0"><pre>${this.#code()}</pre></section>`;
  }

  #code() {
    if (this.source === null) return t("source.loading");
    if ("error" in this.source) return t("source.failed", { detail: this.source.error });
    return html`<code>${this.source.tokens.map(({ text, style }) => html`<span class=${style}>${text}</span>`)}</code>`;
  }
}

/** @param {Service} service */
function facts(service) {
  const { max_message: most, ping_interval: ping } = service.limits;
  /** @type {[string, unknown][]} */
  const rows = [
    ["framework", service.framework],
    ["server", service.server],
    ["concurrency", t(`concurrency.${service.concurrency}`)],
    ["protocol", t(`protocol.${service.protocol}`)],
    ["released", html`<time datetime=${service.released}>${formatDay(service.released, language())}</time>`],
    ["maintenance", t(`maintenance.${service.maintenance}`)],
    ["lines", service.lines],
    ["origin", t(`origin.${service.foreign_origin}`)],
    ["maxMessage", typeof most === "number" ? formatSize(most) : t("fact.noLimit")],
    ["ping", typeof ping === "number" ? t("fact.pingEvery", { seconds: ping }) : t("fact.pingNever")],
    [
      "links",
      html`<a href=${service.homepage} rel="noreferrer">${t("fact.homepage")}</a> ·
      <a href=${service.documentation} rel="noreferrer">${t("fact.documentation")}</a>`,
    ],
  ];
  return html`<dl class="facts">${rows.map(([key, value]) => html`<div><dt>${t(`fact.${key}`)}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** @param {Service} service whose checks fail */
function known(service) {
  const items = service.known.map((deviation) => html`<li>${checks(deviation)}${cause(deviation)}</li>`);
  return html`
    <details class="deviations">
      <summary>${t("source.knownCount", { count: deviations(service) })}</summary>
      <ul class="known" aria-label=${t("source.known")}>${items.length > 0 ? items : html`<li>${t("source.noneKnown")}</li>`}</ul>
    </details>`;
}

/** @param {Service} service whose checks would fail without its mends */
function mended(service) {
  if (service.mended.length === 0) return nothing;
  const items = service.mended.map(
    (mend) => html`
    <li>${checks(mend)}${t("source.without")} ${cause(mend)} · ${t("source.by")} <code class="by">${mend.by}</code></li>`,
  );
  return html`
    <details class="deviations">
      <summary>${t("source.mendedCount", { count: mends(service) })}</summary>
      <ul class="known mended" aria-label=${t("source.mended")}>${items}</ul>
    </details>`;
}

/** The ids of the checks. @param {Deviation} deviation */
export function checks({ checks }) {
  return checks.map((check) => html`<code>${check}</code> `);
}

/** What they observe, why, and where upstream. @param {Deviation} deviation */
export function cause({ outcome: observed, reason, link }) {
  return html`<em>${outcome(observed)}</em>. ${sentence(reason)} <a href=${link} rel="noreferrer">${t("source.why")}</a>`;
}

customElements.define("ew-source", Source);
