// One stack in a race: its connection, one message after the other, and what came of each.
import { Link } from "../shared/link.js";
import { markOf } from "../verify/marks.js";
import { PATIENCE, Verifier } from "../verify/verify.js";

/** @typedef {import("../verify/payload.js").Data} Data */
/** @typedef {import("../verify/marks.js").Mark} Mark */
/** @typedef {import("../shared/target.js").Target} Target */
/** @typedef {{ data: Data, how: Mark["how"] | null }} Said a message that was sent or received, and what was last found of it */
/** @typedef {"waiting" | "connecting" | "racing" | "done" | "stopped" | "failed" | "gaveUp"} Stage */

/** @type {Stage[]} */
const FINAL = ["done", "stopped", "failed", "gaveUp"];
const MOST_UNANSWERED = 3; // messages, after which the lane gives up
const LONGEST = 60_000; // milliseconds, after which it gives up too
const QUIET = 150; // milliseconds for what comes though nobody asked for it, after the last answer

/** It has run when `run` resolves. */
export class Lane extends Link {
  /** @type {Stage} */
  stage = "waiting";
  sent = 0;
  /** @type {number[]} milliseconds from each message to its echo */
  rtts = [];
  /** @type {Map<Mark["how"], { count: number, mark: Mark }>} how the answers were, with the first mark of each kind */
  marks = new Map();
  /** @type {number | null} milliseconds from the first message to the last answer */
  took = null;
  reconnects = false;
  #begun = 0;
  #unanswered = 0;
  #messages;
  #verifier = new Verifier((/** @type {Said} */ said, finding) => this.#found(said, finding));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #patience;
  /** @type {(value: void) => void} */
  #ended = () => {};

  /** @param {Target} target @param {Data[]} messages */
  constructor(target, messages) {
    super();
    this.target = target;
    this.#messages = messages;
  }

  /** How many messages there are to say. */
  get all() {
    return this.#messages.length;
  }

  get finished() {
    return FINAL.includes(this.stage);
  }

  /** Whether every message came back as it was, and nothing else did. */
  get right() {
    return this.stage === "done" && this.wrong === 0;
  }

  /** How many answers were wrong, missing or unasked. */
  get wrong() {
    return [...this.marks.values()].reduce((sum, { count, mark }) => sum + (mark.how === "same" ? 0 : count), 0);
  }

  /** Connects, says each message when the one before it is answered, and closes. */
  async run() {
    if (this.stage !== "waiting") return;
    this.stage = "connecting";
    const ended = new Promise((resolve) => (this.#ended = resolve));
    const longest = setTimeout(() => this.#end("gaveUp"), LONGEST);
    this.connect(/** @type {Target} */ (this.target));
    await ended;
    clearTimeout(longest);
    await this.leave();
  }

  stop() {
    if (this.stage === "waiting" || this.stage === "connecting" || this.stage === "racing") this.#end("stopped");
  }

  /** @override */
  onOpen() {
    if (this.stage !== "connecting") return;
    this.stage = "racing";
    this.#begun = performance.now();
    queueMicrotask(() => this.#next()); // the link is connected after this
  }

  /** @override @param {import("../client.js").Incoming} incoming */
  onMessage(incoming) {
    const data = typeof incoming === "string" ? incoming : new Uint8Array(/** @type {ArrayBuffer} */ (incoming));
    this.#verifier.received(data, performance.now(), { data, how: null });
  }

  /** @override */
  onClose() {
    if (this.stage === "connecting") this.#end("failed");
    else if (this.stage === "racing") this.#end("gaveUp");
  }

  /** @override */
  onForbidden() {
    this.#end("failed");
  }

  #next() {
    const { connection } = this;
    if (this.stage !== "racing" || connection === null) return;
    if (this.sent === this.#messages.length) {
      this.took = performance.now() - this.#begun;
      setTimeout(() => this.#end("done"), QUIET);
      return;
    }
    const data = this.#messages[this.sent++];
    this.#verifier.sent(data, performance.now(), { data, how: null });
    this.#patience = setTimeout(() => this.#verifier.expire(performance.now()), PATIENCE + 1);
    connection.send(data);
  }

  /** @param {Said} said @param {import("../verify/verify.js").Finding} finding */
  #found(said, finding) {
    const mark = markOf(finding, said.data, /** @type {Target} */ (this.target));
    if (mark === null) return; // the echo tells how it went
    if (said.how !== null) this.#count(said.how, -1, mark);
    said.how = mark.how;
    this.#count(mark.how, 1, mark);
    if (mark.how === "same" || mark.how === "type") this.rtts.push("rtt" in finding ? finding.rtt : 0);
    if (mark.how === "none") this.#unanswered++;
    if (mark.how === "unasked" || mark.how === "ended") return; // no answer to wait for
    clearTimeout(this.#patience);
    if (this.#unanswered >= MOST_UNANSWERED) this.#end("gaveUp");
    else queueMicrotask(() => this.#next());
  }

  /** @param {Mark["how"]} how @param {number} more @param {Mark} mark */
  #count(how, more, mark) {
    const known = this.marks.get(how);
    const count = (known?.count ?? 0) + more;
    if (count === 0) this.marks.delete(how);
    else this.marks.set(how, { count, mark: known?.mark ?? mark });
  }

  /** @param {Stage} stage */
  #end(stage) {
    if (this.finished) return;
    clearTimeout(this.#patience);
    if (stage !== "stopped") this.#verifier.end();
    this.stage = stage;
    this.#ended();
  }
}
