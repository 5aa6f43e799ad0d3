// Reads a log that was exported: JSON Lines, as exportLine() of log.js writes them.
import { byteLength } from "../verify/payload.js";
import { SYMBOLS } from "../verify/marks.js";
import { formatSize } from "../shared/format.js";

/** @typedef {import("./log.js").Entry} Entry */
/** @typedef {import("../i18n/i18n.js").Message} Message */
/** @typedef {Pick<Entry, "direction" | "kind" | "time"> & Partial<Entry>} Imported */

export const MOST_SIZE = 96 * 1024 * 1024; // bytes: what the log keeps, in base64
export const MOST_LINES = 20_000; // which the log keeps
const BREATH = 20; // milliseconds of reading before the page may draw

const KINDS = {
  sent: ["text", "binary"],
  received: ["text", "binary"],
  event: ["open", "close", "error", "reconnect", "import"],
};

/** @param {File} file @returns {Promise<{ entries: Imported[] } | { error: Message }>} nothing of it where a line is bad */
export async function readExport(file) {
  const params = { name: file.name };
  if (file.size > MOST_SIZE)
    return {
      error: { key: "import.size", params: { ...params, size: formatSize(file.size), most: formatSize(MOST_SIZE) } },
    };
  let text;
  try {
    text = await file.text();
  } catch (error) {
    return { error: { key: "error.fileRead", params: { ...params, detail: /** @type {Error} */ (error).message } } };
  }
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (lines.length === 0) return { error: { key: "import.empty", params } };
  if (lines.length > MOST_LINES)
    return { error: { key: "import.lines", params: { ...params, count: lines.length, most: MOST_LINES } } };
  /** @type {Imported[]} */
  const entries = [];
  let until = performance.now() + BREATH;
  for (const [index, line] of lines.entries()) {
    const read = readLine(line);
    if (typeof read === "string")
      return { error: { key: "import.line", params: { ...params, line: index + 1, what: read } } };
    entries.push(read);
    if (performance.now() < until) continue;
    await new Promise((resolve) => setTimeout(resolve));
    until = performance.now() + BREATH;
  }
  return { entries };
}

/** @param {string} line @returns {Imported | string} the name of what is not as it is in an export */
export function readLine(line) {
  /** @type {any} */
  let read;
  try {
    read = JSON.parse(line);
  } catch {
    return "JSON";
  }
  if (typeof read !== "object" || read === null || Array.isArray(read)) return "JSON";
  const { time: when, direction, kind, mark, rtt = null, wrong = false, found = mark } = read;
  const time = typeof when === "string" ? Date.parse(when) : NaN;
  if (Number.isNaN(time)) return "time";
  if (!Object.hasOwn(KINDS, direction)) return "direction";
  if (!KINDS[/** @type {Entry["direction"]} */ (direction)].includes(kind)) return "kind";
  if (mark !== undefined && !Object.hasOwn(SYMBOLS, mark)) return "mark";
  if (mark !== undefined && (typeof found !== "string" || typeof wrong !== "boolean")) return "found";
  if (rtt !== null && !(typeof rtt === "number" && Number.isFinite(rtt) && rtt >= 0)) return "rtt";
  const known = { time, direction, kind, rtt, mark: mark === undefined ? null : markOf(mark, wrong, found) };
  if (direction === "event") {
    if (typeof read.text !== "string") return "text";
    const {
      time: _time,
      direction: _direction,
      kind: _kind,
      mark: _mark,
      wrong: _wrong,
      found: _found,
      text,
      ...facts
    } = read;
    return { ...known, notes: [verbatim(text)], facts };
  }
  const data = kind === "text" ? textIn(read) : bytesIn(read);
  if (data === null) return "data";
  return { ...known, data, size: byteLength(data) };
}

/** What was said in the language that the export was made in. @param {string} text @returns {Message} */
const verbatim = (text) => ({ key: "log.verbatim", params: { text } });

/** @param {import("../verify/marks.js").Mark["how"]} how @param {boolean} wrong @param {string} found @returns {import("../verify/marks.js").Mark} */
const markOf = (how, wrong, found) => ({ how, wrong, text: verbatim(found), known: null, sent: null, naive: null });

/** @param {{ data?: unknown }} line @returns {string | null} null where it is none */
const textIn = ({ data }) => (typeof data === "string" ? data : null);

/** @param {{ encoding?: unknown, data?: unknown }} line @returns {Uint8Array<ArrayBuffer> | null} null where it is not base64 */
function bytesIn({ encoding, data }) {
  if (encoding !== "base64" || typeof data !== "string") return null;
  try {
    return Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
