// Messages worth sending. A long one is held ready rather than put into the text box.

/** @typedef {import("../verify/payload.js").Data} Data */
/** @typedef {{ id: string, kind: "text" | "json" | "hex", text: string } | { id: string, messages(): Iterable<Data>, count: number }} Preset */

/** @param {number} bytes */
function filler(bytes) {
  const line = "Echo Wall answers what it is told. ";
  return line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes);
}

/** @param {number} count */
function* numbered(count) {
  for (let i = 1; i <= count; i++) yield `message ${i}`;
}

const EVERY_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** @type {Preset[]} */
export const PRESETS = [
  { id: "hello", kind: "text", text: "Hello, wall!" },
  { id: "unicode", kind: "text", text: "回音壁 · Ω ≈ ñ · مرحبا · 👩‍👩‍👧‍👦 e\u0301 \u{1F3EE}" },
  { id: "empty", kind: "text", text: "" },
  { id: "html", kind: "text", text: `<img src=x onerror="alert(1)"><b>bold?</b> &amp; <script>alert(2)</script>` },
  { id: "json", kind: "json", text: `{"to": "the wall", "words": ["one", "two"], "loud": true}` },
  { id: "bytes", kind: "hex", text: EVERY_BYTE },
  { id: "kib64", count: 1, messages: () => [filler(64 * 1024)] },
  { id: "mib1", count: 1, messages: () => [filler(1024 * 1024)] },
  { id: "many", count: 200, messages: () => numbered(200) },
  { id: "flood", count: 10_000, messages: () => numbered(10_000) },
];
