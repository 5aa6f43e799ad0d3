// Writes into index.html which modules the page needs at its start, and into js/shell/needs.js which further ones each
// view needs, so that they all load in one round trip:
//   node preloads.mjs           writes them
//   node preloads.mjs --check   exits with 1 if they are out of date
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { init, parse } from "es-module-lexer";

await init;

const FRONTEND = dirname(fileURLToPath(import.meta.url));
const NEEDS = "js/shell/needs.js";
const HEAD = `// What each view needs beside what the page has from its start, itself included. Written by \`make format\`.

/** @type {Record<string, string[]>} modules by the view's own */
`;
const LIST = /(<!-- preloads: .*? -->\n)(.*?)( *<!-- \/preloads -->)/s;

/** The page's modules, found as a browser finds them. Files have the names by which the page addresses them. */
export class Modules {
  /** @param {string} [folder] of the page; its node_modules has the files that the page addresses under vendor/ */
  constructor(folder = FRONTEND) {
    this.folder = folder;
    this.page = readFileSync(join(folder, "index.html"), "utf8");
    const map = /<script type="importmap">(.*?)<\/script>/s.exec(this.page)?.[1];
    /** @type {[string, string][]} longest first, the order in which a browser matches them */
    this.names = Object.entries(JSON.parse(map ?? '{"imports": {}}').imports).sort(([a], [b]) => b.length - a.length);
    const entry = /<script type="module" src="([^"]+)">/.exec(this.page)?.[1];
    if (entry === undefined) throw new Error("it loads no module; add a <script type=module>");
    this.entry = entry;
  }

  /** @param {string} file @returns {string} its text */
  read(file) {
    return readFileSync(join(this.folder, file.replace(/^vendor\//, "node_modules/")), "utf8");
  }

  /** @param {string} specifier @param {string} from the file that imports it @returns {string} */
  resolve(specifier, from) {
    if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier);
    const found = this.names.find(([name]) => specifier === name || (name.endsWith("/") && specifier.startsWith(name)));
    if (found === undefined)
      throw new Error(`${from}: the import map does not know ${specifier}; add it in index.html`);
    const [name, address] = found;
    return posix.normalize(address + specifier.slice(name.length));
  }

  /** @param {string} entry @returns {string[]} the module and all that it needs before it can run */
  neededBy(entry) {
    const found = new Set([entry]);
    for (const file of found) {
      for (const imported of this.imports(file, "static", "reexport-star")) found.add(imported);
    }
    return [...found];
  }

  /** @returns {string[]} the module that the page loads at its start, and those that it loads later */
  entries() {
    const found = new Set([this.entry]);
    for (const entry of found) {
      for (const file of this.neededBy(entry)) {
        for (const imported of this.imports(file, "dynamic")) found.add(imported);
      }
    }
    return [...found];
  }

  /** @returns {string} index.html with the right preloads */
  pageWithPreloads() {
    const needed = this.neededBy(this.entry).filter((file) => file !== this.entry);
    const links = needed.sort().map((file) => `  <link rel="modulepreload" href="${file}">\n`);
    if (!LIST.test(this.page)) {
      throw new Error("there is no place for the preloads; mark it with <!-- preloads: … --> and <!-- /preloads -->");
    }
    return this.page.replace(LIST, (_, start, _written, end) => `${start}${links.join("")}${end}`);
  }

  /** @returns {string} js/shell/needs.js as it should be */
  needs() {
    const atStart = new Set(this.neededBy(this.entry));
    const lists = this.imports(this.entry, "dynamic").map((view) => {
      const files = this.neededBy(view).filter((file) => !atStart.has(file));
      return `  "${view}": [\n${files
        .sort()
        .map((file) => `    "${file}",\n`)
        .join("")}  ],\n`;
    });
    return `${HEAD}export const NEEDS = {\n${lists.join("")}};\n`;
  }

  /** The modules that a file imports. @param {string} file @param {string[]} ways by es-module-lexer's names */
  imports(file, ...ways) {
    const [imports] = parse(this.read(file), file);
    return imports
      .filter(({ type }) => ways.includes(type))
      .map((one) => {
        if ("specifier" in one && typeof one.specifier === "string") return this.resolve(one.specifier, file);
        throw new Error(`${file}: it computes the name of a module that it imports; write the name as a string`);
      });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const modules = new Modules();
    /** @type {[string, string, string][]} files, their texts, and what these should be */
    const written = [
      ["index.html", modules.page, modules.pageWithPreloads()],
      [NEEDS, modules.read(NEEDS), modules.needs()],
    ];
    for (const [file, text, right] of written) {
      if (text === right) continue;
      if (process.argv[2] === "--check") throw new Error(`${file}: its preloads are out of date; run \`make format\``);
      writeFileSync(join(FRONTEND, file), right);
    }
  } catch (error) {
    console.error(`preloads: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
}
