// What a run comes to is what results/index.json says of it, which the tool writes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { summary } from "../../js/results/summary.js";
import { readRun } from "../../js/results/own.js";

/** @param {string} file */
const read = (file) => readFileSync(new URL(`../../../results/${file}`, import.meta.url), "utf8");
const index = JSON.parse(read("index.json"));

for (const kind of /** @type {const} */ (["checks", "conformance"])) {
  test(`the summary of each published run is the index's: ${kind}`, () => {
    const files = new Set(index[kind].map((/** @type {{ file: string }} */ { file }) => file));
    assert.ok(files.size > 0);
    for (const file of files) {
      const found = summary(readRun(file, read(file)), file);
      for (const one of index[kind].filter((/** @type {{ file: string }} */ one) => one.file === file)) {
        assert.deepEqual(
          found[kind].find(({ name, via, mends }) => name === one.name && via === one.via && mends === one.mends),
          one,
        );
      }
    }
  });
}
