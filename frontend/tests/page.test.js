// What index.html and vendor.mjs list must be what the modules import: no more, no less.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
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
  assert.deepEqual([...FILES].sort(), ["@picocss/pico/css/pico.min.css", ...used].sort());
  for (const file of FILES) {
    const folder = join(site, "vendor", ...file.split("/").slice(0, file.startsWith("@") ? 2 : 1));
    assert.ok(
      ["LICENSE", "LICENSE.md"].some((name) => existsSync(join(folder, name))),
      file,
    );
  }
});

test("all of the page, with every library, is at most 200 kB over the wire", () => {
  const files = new Set([
    "index.html",
    "favicon.svg",
    "css/page.css",
    ...FILES.map((file) => `vendor/${file}`),
    ...needed,
  ]);
  const total = [...files].reduce((sum, file) => sum + gzipSync(modules.read(file)).length, 0);
  assert.ok(total <= 200_000, `${total} bytes`);
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

test("a view imports nothing of another view, and what views share imports no view", () => {
  const shared = ["js", "js/i18n", "js/shared", "js/source"]; // each may import those before it
  for (const file of [...needed].filter((file) => file.startsWith("js/") && !file.startsWith("js/shell/"))) {
    const folder = dirname(file);
    const allowed = [...(shared.includes(folder) ? shared.slice(0, shared.indexOf(folder)) : shared), folder];
    for (const imported of modules.imports(file, "static", "reexport-star", "dynamic")) {
      if (imported.startsWith("js/")) assert.ok(allowed.includes(dirname(imported)), `${file} imports ${imported}`);
    }
  }
});
