// What index.html and vendor.mjs list must be what the modules import: no more, no less.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { FILES, vendor } from "../vendor.mjs";

const FRONTEND = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGE = readFileSync(join(FRONTEND, "index.html"), "utf8");
const IMPORTS = /** @type {Record<string, string>} */ (
  JSON.parse(/<script type="importmap">(.*?)<\/script>/s.exec(PAGE)?.[1] ?? "{}").imports
);
const ENTRIES = ["js/app.js", "js/chat.js", "js/highlight.js", "js/socketio.js", "js/stacks.js"]; // what is loaded at once, and what when needed
let site = "";

before(async () => {
  site = mkdtempSync(join(tmpdir(), "echo-wall-page-"));
  await vendor(site);
});
after(() => rmSync(site, { recursive: true }));

/** @param {string} file as the page addresses it */
function read(file) {
  return readFileSync(join(file.startsWith("vendor/") ? site : FRONTEND, file), "utf8");
}

/** @param {string} specifier @param {string} from @returns {string} */
function resolve(specifier, from) {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier);
  const names = Object.keys(IMPORTS).sort((a, b) => b.length - a.length);
  const name = names.find((known) => specifier === known || (known.endsWith("/") && specifier.startsWith(known)));
  assert.ok(name, `${from} imports ${specifier}, which the import map does not know`);
  return posix.normalize(IMPORTS[name] + specifier.slice(name.length));
}

/** @param {string} file @param {RegExp} pattern @param {Set<string>} found */
function follow(file, pattern, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  const source = read(file).replace(/\/\*.*?\*\//gs, "");
  for (const [, specifier] of source.matchAll(pattern)) follow(resolve(specifier, file), pattern, found);
  return found;
}

const STATIC = /(?:^|[;\n}])\s*(?:import|export)\b(?:[^;"'()]*?\bfrom)?\s*["']([^"']+)["']/g;

test("every module that the page needs at once is preloaded, and no other", () => {
  const preloaded = [...PAGE.matchAll(/rel="modulepreload" href="([^"]+)"/g)].map(([, href]) => href);
  const needed = [...follow("js/app.js", STATIC)].filter((file) => file !== "js/app.js");
  assert.deepEqual([...preloaded].sort(), [...needed].sort());
});

test("every file that the page names exists", () => {
  const named = [...PAGE.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, href]) => href);
  for (const file of named) assert.ok(existsSync(join(file.startsWith("vendor/") ? site : FRONTEND, file)), file);
});

test("vendored files are those that are used, each with its licence", () => {
  const used = new Set(["@picocss/pico/css/pico.min.css"]);
  for (const entry of ENTRIES) {
    for (const file of follow(entry, STATIC)) if (file.startsWith("vendor/")) used.add(file.slice("vendor/".length));
  }
  assert.deepEqual([...FILES].sort(), [...used].sort());
  for (const file of FILES) {
    const folder = join(site, "vendor", ...file.split("/").slice(0, file.startsWith("@") ? 2 : 1));
    assert.ok(
      ["LICENSE", "LICENSE.md"].some((name) => existsSync(join(folder, name))),
      file,
    );
  }
});

test("all of the page, with every library, is at most 200 kB over the wire", () => {
  const files = new Set(["index.html", "favicon.svg", "css/page.css", ...FILES.map((file) => `vendor/${file}`)]);
  for (const entry of ENTRIES) for (const file of follow(entry, STATIC)) files.add(file);
  const total = [...files].reduce((sum, file) => sum + gzipSync(read(file)).length, 0);
  assert.ok(total <= 200_000, `${total} bytes`);
});

test("nothing but the import map is inline, and no library comes from elsewhere", () => {
  assert.equal([...PAGE.matchAll(/<script(?![^>]* src=)/g)].length, 1);
  assert.doesNotMatch(PAGE, /style=|<style|\son\w+=|https?:\/\//);
});

test("the page's code turns no text into HTML", () => {
  for (const file of ENTRIES.flatMap((entry) => [...follow(entry, STATIC)])) {
    if (file.startsWith("js/"))
      assert.doesNotMatch(read(file), /innerHTML|outerHTML|insertAdjacentHTML|unsafeHTML|document\.write|style=/, file);
  }
});
