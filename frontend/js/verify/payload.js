// From what was typed to what is sent, and back to what is shown.

const ENCODER = new TextEncoder();
const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const FILE_CAP = 16 * 1024 * 1024;

/** @typedef {string | Uint8Array<ArrayBuffer>} Data  a text or a binary message */
/** @typedef {import("../i18n/i18n.js").Message} Message */

/** @param {Data} data */
export function byteLength(data) {
  return typeof data === "string" ? ENCODER.encode(data).length : data.length;
}

/** @param {Data} data @returns {Uint8Array} */
export function bytesOf(data) {
  return typeof data === "string" ? ENCODER.encode(data) : data;
}

/** @param {Uint8Array} bytes @returns {string | null} null where they are not UTF-8 */
export function textOf(bytes) {
  try {
    return STRICT_UTF8.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * Hex digits in pairs; spaces, commas, colons and 0x between them are welcome.
 * @param {string} text
 * @returns {{ data: Uint8Array<ArrayBuffer> } | { error: Message }}
 */
export function parseHex(text) {
  const digits = text.replace(/0x/gi, "").replace(/[\s,:]/g, "");
  const wrong = /[^0-9a-f]/iu.exec(digits);
  if (wrong !== null) return { error: { key: "error.hexDigit", params: { digit: wrong[0] } } };
  if (digits.length % 2 === 1) return { error: { key: "error.hexOdd", params: { count: digits.length } } };
  const data = new Uint8Array(digits.length / 2);
  for (let i = 0; i < data.length; i++) data[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return { data };
}

/**
 * JSON is checked, then sent exactly as it was typed.
 * @param {string} text
 * @returns {{ data: string } | { error: Message }}
 */
export function checkJson(text) {
  if (text.trim() === "") return { error: { key: "error.jsonEmpty" } };
  try {
    JSON.parse(text);
    return { data: text };
  } catch (error) {
    return { error: { key: "error.json", params: { detail: /** @type {Error} */ (error).message } } };
  }
}

/** @param {string} text @returns {string | null} null where it is not JSON */
export function prettyJson(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} [perLine]
 * @returns {string} lines of offset, bytes, and what of them is ASCII
 */
export function hexDump(bytes, perLine = 16) {
  const lines = [];
  for (let offset = 0; offset < bytes.length; offset += perLine) {
    const row = [...bytes.subarray(offset, offset + perLine)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const ascii = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${offset.toString(16).padStart(6, "0")}  ${hex.padEnd(3 * perLine - 1)}  ${ascii}`);
  }
  return lines.join("\n");
}

/**
 * @param {string} text comma separated
 * @returns {{ protocols: string[] } | { error: Message }}
 */
export function parseProtocols(text) {
  const protocols = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const wrong = protocols.find((name) => !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name));
  if (wrong !== undefined) return { error: { key: "error.protocol", params: { name: wrong } } };
  const twice = protocols.find((name, index) => protocols.indexOf(name) !== index);
  if (twice !== undefined) return { error: { key: "error.protocolTwice", params: { name: twice } } };
  return { protocols };
}
