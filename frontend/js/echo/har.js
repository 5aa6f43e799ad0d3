// The log as a HAR 1.2 file (http://www.softwareishard.com/blog/har-12-spec/), with the messages as Chrome's DevTools
// write and read them: in `_webSocketMessages`.
import { base64 } from "./log.js";
import { bytesOf } from "../verify/payload.js";

/** @typedef {import("./log.js").Entry} Entry */

const UNKNOWN = -1; // which HAR has for what is not known
const COMMENT =
  "Written by a page, which the browser tells neither the headers of the handshake, nor its time, nor fragments and control frames.";

/**
 * @param {Entry[]} entries of the log, as they came
 * @param {string} url of the connection whose beginning is not in the log any more; without a password
 */
export function har(entries, url) {
  /** @type {ReturnType<typeof connection>[]} */
  const connections = [];
  let open = false;
  for (const entry of entries) {
    const { direction, kind, time, facts } = entry;
    if (direction === "event") {
      if (kind === "open") connections.push(connection(time, String(facts.url ?? url), facts));
      const last = connections.at(-1);
      if (kind === "close" && open && last !== undefined)
        last.time = Math.max(0, time - Date.parse(last.startedDateTime));
      if (kind === "open" || kind === "close") open = kind === "open";
      continue;
    }
    if (!open) connections.push(connection(time, url, {}));
    open = true;
    connections[connections.length - 1]._webSocketMessages.push(message(entry));
  }
  return {
    log: {
      version: "1.2",
      creator: { name: "Echo Wall", version: "1", comment: COMMENT },
      pages: [],
      entries: connections,
    },
  };
}

/** @param {Entry} entry */
function message({ direction, kind, time, data }) {
  const text = kind === "text" ? String(data) : base64(bytesOf(data));
  return {
    type: direction === "sent" ? "send" : "receive",
    time: time / 1000,
    opcode: kind === "text" ? 1 : 2,
    data: text,
  };
}

/** @param {number} started milliseconds since 1970 @param {string} url @param {Record<string, unknown>} facts of its opening */
function connection(started, url, { protocol, extensions, offered }) {
  const common = { httpVersion: "HTTP/1.1", cookies: [], headersSize: UNKNOWN, bodySize: UNKNOWN };
  return {
    startedDateTime: new Date(started).toISOString(),
    time: 0, // until it was closed
    request: {
      method: "GET",
      url,
      ...common,
      headers: headers({ "Sec-WebSocket-Protocol": offered }),
      queryString: query(url),
    },
    response: {
      status: 101,
      statusText: "Switching Protocols",
      ...common,
      headers: headers({ "Sec-WebSocket-Protocol": protocol, "Sec-WebSocket-Extensions": extensions }),
      content: { size: 0, mimeType: "x-unknown" },
      redirectURL: "",
    },
    cache: {},
    timings: { send: UNKNOWN, wait: UNKNOWN, receive: UNKNOWN },
    _resourceType: "websocket",
    /** @type {ReturnType<typeof message>[]} */
    _webSocketMessages: [],
  };
}

/** @param {Record<string, unknown>} known @returns {{ name: string, value: string }[]} those that there are */
const headers = (known) =>
  Object.entries(known).flatMap(([name, value]) =>
    typeof value === "string" && value !== "" ? [{ name, value }] : [],
  );

/** @param {string} url */
const query = (url) =>
  URL.canParse(url) ? [...new URL(url).searchParams].map(([name, value]) => ({ name, value })) : [];
