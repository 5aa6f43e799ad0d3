// "Show me": the list of guided demonstrations, and the strip that tells what happens while one is played.
import { html, nothing } from "lit";
import { DEMOS, cast, panesOf } from "./demos.js";
import { t } from "../i18n/i18n.js";
import { again } from "../shared/again.js";
import { Component } from "../shared/component.js";
import { Follows } from "../shared/follows.js";
import { sentence } from "../shared/sentence.js";
import { targetOf } from "../shared/target.js";
import { cause, checks } from "../source/source.js";

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {import("./demos.js").Casting} Casting */
/** @typedef {import("./demos.js").Stage} Stage */
/** @typedef {import("../i18n/i18n.js").Message} Message */

const CONNECTED = 10_000; // milliseconds in which the panes have to be connected
const GLANCE = 50;

class Stopped extends Error {}

export class Show extends Component {
  static properties = {
    services: { attribute: false },
    statuses: { attribute: false },
    conversations: { attribute: false },
    casting: { state: true },
    step: { state: true },
    ended: { state: true },
    code: { state: true },
  };

  constructor() {
    super();
    /** @type {Service[]} */
    this.services = [];
    /** @type {import("../shared/catalog.js").StatusBoard} */
    this.statuses = /** @type {any} */ (undefined); // always given
    /** @type {Conversation[]} */
    this.conversations = [];
    /** @type {Casting | null} what is played */
    this.casting = null;
    /** @type {Message | null} what happens now, or what has happened */
    this.step = null;
    this.ended = false;
    /** @type {{ file: string, text: string } | null} the lines that did it */
    this.code = null;
    this.turn = 0; // counts what was played, so that one that is stopped knows it
    new Follows(this, () => this.statuses, ["change"]);
  }

  render() {
    return html`${this.#list()}${this.casting === null ? nothing : this.#strip(this.casting)}`;
  }

  open() {
    /** @type {HTMLDialogElement} */ (this.querySelector("dialog.demos")).showModal();
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog.demos"));
  }

  #isUp = (/** @type {string} */ name) => this.statuses.of(name).state === "up";

  #list() {
    return html`
      <dialog class="demos source-drawer" aria-labelledby="demos-title">
        <header><h2 id="demos-title">${t("demos")}</h2>
          <button type="button" class="outline" @click=${() => this.#dialog.close()}>${t("source.close")}</button></header>
        <p class="hint">${t("demos.lead")}</p>
        <ul>${DEMOS.map((demo) => {
          const { casting, able } = cast(demo, this.services, this.#isUp);
          return html`
          <li data-demo=${demo.id}><h3>${t(`demo.${demo.id}`)}</h3>
            <p>${t(`demo.${demo.id}.about`)}</p>
            ${
              casting
                ? html`<button type="button" @click=${() => this.#play(casting)}>${t("demos.show", { title: casting.service.title })}</button>`
                : html`<p class="hint">${able.length === 0 ? t("demos.nobody") : t("demos.notRunning", { titles: able.map(({ title }) => title).join(", ") })}</p>`
            }
          </li>`;
        })}</ul>
      </dialog>`;
  }

  /** @param {Casting} casting */
  #strip(casting) {
    const { demo, service, known } = casting;
    return html`
      <section class="demo card" role="region" aria-labelledby="demo-title">
        <header><h2 id="demo-title" tabindex="-1">${t(`demo.${demo.id}`)}</h2>
          ${this.ended ? html`<button type="button" class="outline" @click=${() => this.#play(casting)}>${t("demos.again")}</button>` : nothing}
          <button type="button" class="outline" @click=${this.#close}>${t(this.ended ? "source.close" : "demos.stop")}</button></header>
        <p role="status" aria-label=${t("demos.happens")}>${this.step ? t(this.step.key, this.step.params) : nothing}</p>
        ${this.ended ? this.#why(service, known) : nothing}
      </section>`;
  }

  /** @param {Service} service @param {import("../shared/catalog.js").Deviation | null} known */
  #why(service, known) {
    if (known !== null) {
      const cell = new URLSearchParams({ view: "behaviour", cell: `${service.name} ${known.checks[0]}` });
      return html`<p>${checks(known)}${cause(known)} · <a href="?${cell}">${t("demos.frames")}</a></p>`;
    }
    return html`
      <p>${service.naive ? sentence(service.naive.summary) : nothing}</p>
      ${this.code ? html`<details class="lines"><summary>${t("demos.code", { file: this.code.file })}</summary><pre tabindex="0">${this.code.text}</pre></details>` : nothing}`;
  }

  /** @param {Casting} casting */
  async #play(casting) {
    const turn = ++this.turn;
    const { demo, service } = casting;
    this.#dialog.close();
    Object.assign(this, { casting, ended: false, code: null, step: { key: "demo.step.opening" } });
    const panes = panesOf(casting, this.services, this.#isUp);
    await Promise.all(this.conversations.map((conversation) => conversation.leave()));
    if (this.turn !== turn) return;
    for (const conversation of this.conversations) conversation.clear();
    this.tell("ew-panes", panes);
    await this.updateComplete;
    this.querySelector("h2#demo-title")?.scrollIntoView({ block: "nearest" });
    /** @type {HTMLElement} */ (this.querySelector("#demo-title")).focus();
    const targets = panes.map((pane) => /** @type {any} */ (targetOf(pane, this.services, location)));
    try {
      const seen = await demo.play(this.#stage(turn, targets));
      if (demo.naive) this.code = await lines(service);
      if (this.turn !== turn) return;
      this.step = { key: `demo.${demo.id}.end`, params: { title: service.title, ...seen } };
    } catch (error) {
      if (this.turn !== turn || error instanceof Stopped) return;
      this.step = { key: "demos.failed", params: { detail: /** @type {Error} */ (error).message } };
    }
    this.ended = true;
  }

  /** @param {number} turn @param {import("../shared/target.js").Target[]} targets @returns {Stage} */
  #stage(turn, targets) {
    const check = () => {
      if (this.turn !== turn) throw new Stopped();
    };
    const pause = async (/** @type {number} */ milliseconds) => {
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      check();
    };
    const until = async (/** @type {() => boolean} */ done, /** @type {number} */ most) => {
      const end = performance.now() + most;
      while (!done() && performance.now() < end) await pause(GLANCE);
      return done();
    };
    return {
      pause,
      until,
      say: (step, params) => {
        check();
        this.step = { key: `demo.step.${step}`, params };
      },
      connect: async () => {
        for (const [index, conversation] of this.conversations.entries()) conversation.connect(targets[index]);
        const all = () => this.conversations.every(({ state }) => state === "connected");
        if (!(await until(all, CONNECTED))) throw new Error(t("demos.notConnected"));
      },
      send: (pane, message) => {
        check();
        this.conversations[pane].send(message);
      },
      leave: async (pane) => {
        await this.conversations[pane].leave();
        check();
      },
      received: (pane) => this.conversations[pane].log.entries.filter(({ direction }) => direction === "received"),
      get: async () => {
        const response = await fetch(targets[0].url.replace(/^ws/, "http"), { cache: "no-store" });
        check();
        return (await response.text()).trim();
      },
    };
  }

  #close() {
    this.turn++;
    this.casting = null;
    this.tell("ew-demo-closed");
  }
}

/** The naive handler, as it runs. @param {Service} service @returns {Promise<{ file: string, text: string } | null>} null where it cannot be read */
async function lines({ name, sources }) {
  const file = sources.find((source) => source.startsWith("naive."));
  if (file === undefined) return null;
  try {
    const response = await again(() => fetch(`services/${name}/${file}`));
    return response.ok ? { file, text: await response.text() } : null;
  } catch {
    return null;
  }
}

customElements.define("ew-show", Show);
