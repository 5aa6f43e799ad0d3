// The tool that writes the preloads: which modules are needed at once, which later, and its error messages.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, test } from "node:test";
import { Modules } from "../preloads.mjs";

const PAGE = `<script type="importmap">{ "imports": {
  "lib": "./vendor/lib/index.js", "lib/": "./vendor/lib/", "lib/special/": "./vendor/other/" } }</script>
  <!-- preloads: all of them -->
  <link rel="modulepreload" href="js/gone.js">
  <!-- /preloads -->
  <script type="module" src="js/app.js"></script>
`;

/** @type {string[]} */
const folders = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

/** @param {Record<string, string>} files @param {string} [page] */
function modulesOf(files, page = PAGE) {
  const folder = mkdtempSync(join(tmpdir(), "echo-wall-preloads-"));
  folders.push(folder);
  for (const [file, text] of Object.entries({ "index.html": page, ...files })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return new Modules(folder);
}

test("every module that is imported statically, directly or not, is needed at once", () => {
  const modules = modulesOf({
    "js/app.js": `import "./a.js";\nimport b, { c as d } from "./deep/b.js";\nexport * from './c.js';`,
    "js/a.js": `export { x } from "./d.js";`,
    "js/deep/b.js": `import * as all from "../a.js"; export default all;`,
    "js/c.js": "",
    "js/d.js": `import "./app.js"; export const x = 1;`,
  });

  assert.deepEqual(modules.neededBy("js/app.js").sort(), [
    "js/a.js",
    "js/app.js",
    "js/c.js",
    "js/d.js",
    "js/deep/b.js",
  ]);
});

test("text that only looks like an import is not one", () => {
  const modules = modulesOf({
    "js/app.js": `// import "./a.js";\n/** @typedef {import("./a.js").A} A */\nconst text = 'import "./a.js"';\nimport.meta;`,
  });

  assert.deepEqual(modules.neededBy("js/app.js"), ["js/app.js"]);
});

test("a module that is imported dynamically is an entry, and is not preloaded", () => {
  const modules = modulesOf({
    "js/app.js": `const load = () => import("./later.js");`,
    "js/later.js": `import "./a.js"; await import("./last.js");`,
    "js/a.js": "",
    "js/last.js": "",
  });

  assert.deepEqual(modules.entries(), ["js/app.js", "js/later.js", "js/last.js"]);
  assert.deepEqual(modules.neededBy("js/app.js"), ["js/app.js"]);
});

test("the longest name of the import map wins, and vendored files are read from node_modules", () => {
  const modules = modulesOf({
    "js/app.js": `import "lib"; import "lib/x.js"; import "lib/special/y.js";`,
    "node_modules/lib/index.js": "",
    "node_modules/lib/x.js": "",
    "node_modules/other/y.js": `import "../lib/z.js";`,
    "node_modules/lib/z.js": "",
  });

  assert.deepEqual(modules.neededBy("js/app.js").slice(1).sort(), [
    "vendor/lib/index.js",
    "vendor/lib/x.js",
    "vendor/lib/z.js",
    "vendor/other/y.js",
  ]);
});

test("the list is replaced by a sorted one, and the rest of the page does not change", () => {
  const modules = modulesOf({ "js/app.js": `import "./b.js"; import "./a.js";`, "js/a.js": "", "js/b.js": "" });

  const preload = (/** @type {string} */ file) => `  <link rel="modulepreload" href="js/${file}.js">\n`;
  assert.equal(modules.pageWithPreloads(), PAGE.replace(preload("gone"), preload("a") + preload("b")));
});

test("an error names the file", () => {
  const unknown = modulesOf({ "js/app.js": `import "nosuch";` });
  assert.throws(() => unknown.neededBy("js/app.js"), /js\/app\.js: the import map does not know nosuch/);
  const computed = modulesOf({ "js/app.js": `import(location.hash);` });
  assert.throws(() => computed.entries(), /js\/app\.js: .* write the name as a string/);
  const unmarked = modulesOf({ "js/app.js": "" }, PAGE.replace("<!-- /preloads -->", ""));
  assert.throws(() => unmarked.pageWithPreloads(), /there is no place for the preloads/);
  assert.throws(() => modulesOf({}, "<p></p>"), /it loads no module/);
});
