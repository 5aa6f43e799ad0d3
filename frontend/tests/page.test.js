// What index.html and vendor.mjs list must be what the modules import: no more, no less.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Modules } from "../preloads.mjs";
import { FILES, vendor } from "../vendor.mjs";

const FRONTEND = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = new Modules(FRONTEND);
const needed = new Set(modules.entries().flatMap((entry) => modules.neededBy(entry))); // at once, and when needed
const SHEETS = readdirSync(join(FRONTEND, "css")).map((file) => `css/${file}`);
let site = "";

before(async () => {
  site = mkdtempSync(join(tmpdir(), "echo-wall-page-"));
  await vendor(site);
});
after(() => rmSync(site, { recursive: true }));

test("every module that the page needs at once is preloaded, and no other", () => {
  assert.equal(modules.page, modules.pageWithPreloads(), "run `make format`");
});

test("every file that the page names exists", () => {
  const named = [...modules.page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, href]) => href);
  for (const file of named) assert.ok(existsSync(join(file.startsWith("vendor/") ? site : FRONTEND, file)), file);
});

test("vendored files are those that are used, each with its licence", () => {
  const used = [...needed].filter((file) => file.startsWith("vendor/")).map((file) => file.slice("vendor/".length));
  assert.deepEqual([...FILES].sort(), ["@picocss/pico/css/pico.min.css", "uplot/dist/uPlot.min.css", ...used].sort());
  for (const file of FILES) {
    const folder = join(site, "vendor", ...file.split("/").slice(0, file.startsWith("@") ? 2 : 1));
    assert.ok(
      ["LICENSE", "LICENSE.md"].some((name) => existsSync(join(folder, name))),
      file,
    );
  }
});

test("what each view loads when it is first shown is noted", () => {
  assert.equal(modules.read("js/shell/needs.js"), modules.needs(), "run `make format`");
});

test("what the page loads for any view that is shown first is at most 220 kB over the wire, in Chinese too", () => {
  const sheets = [...modules.page.matchAll(/rel="stylesheet" href="([^"]+)"/g)].map(([, file]) => file);
  const views = modules.imports(modules.entry, "dynamic");
  assert.ok(views.length > 5);
  for (const view of views) {
    const files = new Set([
      "index.html",
      "favicon.svg",
      ...sheets,
      ...SHEETS, // more than any view has
      ...modules.neededBy(modules.entry),
      ...modules.neededBy(view),
      "../results/index.json",
      ...["zh.js", "phrases.js", "phrases.zh.json"].map((file) => `js/i18n/${file}`),
      "../services/sentences.zh.json",
    ]);
    const total = [...files].reduce((sum, file) => sum + gzipSync(modules.read(file), { level: 6 }).length, 0);
    assert.ok(total <= 220_000, `${view}: ${total} bytes`);
  }
});

test("every style sheet is linked in the page, or loads with a view", () => {
  const loaded = [
    ...modules.page.matchAll(/rel="stylesheet" href="(css\/[^"]+)"/g),
    ...modules.read("js/shell/app.js").matchAll(/addStyles\("([^"]+)"\)/g),
  ];
  const own = new Set(loaded.map(([, file]) => file).filter((file) => !file.startsWith("vendor/")));
  assert.deepEqual([...own].sort(), SHEETS.toSorted());
});

test("the order of the layers is declared once, and every rule is in one of them", () => {
  const order = SHEETS.flatMap((file) => [...modules.read(file).matchAll(/^@layer ([^{]+?);$/gm)]);
  assert.equal(order.length, 1);
  const layers = order[0][1].split(", ");
  const allowed = ["}", ...layers.map((layer) => `@layer ${layer} {`)];
  for (const file of SHEETS) {
    const text = modules.read(file).replace(/\/\*.*?\*\/|^@layer [^{]+?;$/gms, "");
    for (const line of text.split("\n").filter((line) => /^\S/.test(line))) {
      assert.ok(allowed.includes(line), `${file}: ${line}`);
    }
  }
  const pico = readFileSync(join(site, "vendor/@picocss/pico/css/pico.min.css"), "utf8");
  assert.match(pico, /^@layer pico \{\n\/\*!.*\}\n\}\n$/s);
});

test("no rule depends on an element's position: a column that moves looks the same", () => {
  for (const file of SHEETS) assert.doesNotMatch(modules.read(file), /:nth-|:first-child|:last-child|-of-type/, file);
});

test("nothing but the import map is inline, and no library comes from elsewhere", () => {
  assert.equal([...modules.page.matchAll(/<script(?![^>]* src=)/g)].length, 1);
  assert.doesNotMatch(modules.page, /style=|<style|\son\w+=|https?:\/\//);
});

test("the page's code turns no text into HTML", () => {
  for (const file of needed) {
    if (file.startsWith("js/"))
      assert.doesNotMatch(
        modules.read(file),
        /innerHTML|outerHTML|insertAdjacentHTML|unsafeHTML|document\.write|style=/,
        file,
      );
  }
});

test("a view imports nothing from another view, and shared modules import no view", () => {
  const shared = ["js", "js/i18n", "js/shared", "js/source", "js/verify", "js/results"]; // each may import from those before it
  for (const file of [...needed].filter((file) => file.startsWith("js/") && !file.startsWith("js/shell/"))) {
    const folder = dirname(file);
    const allowed = [...(shared.includes(folder) ? shared.slice(0, shared.indexOf(folder)) : shared), folder];
    for (const imported of modules.imports(file, "static", "reexport-star", "dynamic")) {
      if (imported.startsWith("js/")) assert.ok(allowed.includes(dirname(imported)), `${file} imports ${imported}`);
    }
  }
});
