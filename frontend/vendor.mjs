// Copies the few files that the page loads from node_modules into DEST/vendor, with their licences. It wraps
// each style sheet in a layer, because rules outside all layers would win over the page's own:
//   node vendor.mjs DEST
import { cp, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const FILES = [
  "@picocss/pico/css/pico.min.css",
  "lit/index.js",
  "lit-element/lit-element.js",
  "@lit/reactive-element/reactive-element.js",
  "@lit/reactive-element/css-tag.js",
  "lit-html/lit-html.js",
  "lit-html/is-server.js",
  "lit-html/directive.js",
  "lit-html/directive-helpers.js",
  "lit-html/directives/guard.js",
  "lit-html/directives/if-defined.js",
  "lit-html/directives/live.js",
  "lit-html/directives/repeat.js",
  "socket.io-client/dist/socket.io.esm.min.js",
  "uplot/dist/uPlot.esm.js",
  "uplot/dist/uPlot.min.css",
  "@lezer/common/dist/index.js",
  "@lezer/highlight/dist/index.js",
  "@lezer/lr/dist/index.js",
  "@lezer/python/dist/index.js",
];

/** @type {Record<string, string>} the layers of the style sheets */
const LAYERS = { "@picocss/pico/css/pico.min.css": "pico", "uplot/dist/uPlot.min.css": "uplot" };

const modules = fileURLToPath(new URL("node_modules", import.meta.url));

/** @param {string} file */
function packageOf(file) {
  return file
    .split("/")
    .slice(0, file.startsWith("@") ? 2 : 1)
    .join("/");
}

/** @param {string} from @param {string} to */
async function copy(from, to) {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to);
}

/** @param {string} file @param {string} name */
async function layer(file, name) {
  const text = (await readFile(file, "utf8")).replace('@charset "UTF-8";', ""); // valid only where a sheet begins
  await writeFile(file, `@layer ${name} {\n${text}\n}\n`);
}

/** @param {string} destination */
export async function vendor(destination) {
  const missing = FILES.filter((file) => !existsSync(join(modules, file)));
  if (missing.length > 0) {
    throw new Error(`not in ${modules}: ${missing.join(", ")}. Run \`npm ci\` in frontend/ first.`);
  }
  for (const file of FILES) {
    await copy(join(modules, file), join(destination, "vendor", file));
    if (file in LAYERS) await layer(join(destination, "vendor", file), LAYERS[file]);
  }
  for (const name of new Set(FILES.map(packageOf))) {
    const licence = (await readdir(join(modules, name))).find((file) => /^licen[cs]e/i.test(file));
    if (licence === undefined) throw new Error(`${name} comes without a licence file.`);
    await copy(join(modules, name, licence), join(destination, "vendor", name, licence));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [destination] = process.argv.slice(2);
  if (destination === undefined) {
    console.error("usage: node vendor.mjs DEST   (copies the page's libraries into DEST/vendor)");
    process.exit(2);
  }
  try {
    await vendor(destination);
  } catch (error) {
    console.error(`vendor.mjs: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
}
