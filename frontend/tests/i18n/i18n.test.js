import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { en } from "../../js/i18n/en.js";
import { zh } from "../../js/i18n/zh.js";

/** @param {string} text */
const parameters = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("both languages have the same texts", () => {
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
});

test("each text has the same parameters in both", () => {
  for (const key of Object.keys(en)) assert.deepEqual(parameters(zh[key]), parameters(en[key]), key);
});

test("no text is empty", () => {
  for (const texts of [en, zh]) for (const [key, text] of Object.entries(texts)) assert.notEqual(text.trim(), "", key);
});

test("every text that the page names exists", () => {
  const folder = new URL("../../js/", import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".js"));
  assert.ok(files.includes("shell/app.js"), files.join(" "));
  for (const file of files) {
    const source = readFileSync(new URL(file, folder), "utf8");
    for (const [, key] of source.matchAll(/\b(?:t\(|key: )"([^"]+)"/g)) assert.ok(key in en, `${file} names ${key}`);
  }
});
