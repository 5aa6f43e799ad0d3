import assert from "node:assert/strict";
import { test } from "node:test";
import { translatePhrases } from "../../js/i18n/phrases.js";

const PHRASES = new Map(
  Object.entries({
    "cut off": "切断",
    "taken for a message": "当作消息",
    "close #": "关闭 #",
    "HTTP #, names version #": "HTTP #，写出版本 #",
    "binary": "二进制",
    "an empty text": "空文本",
  }),
);

test("a phrase is translated with its figures", () => {
  assert.equal(translatePhrases("cut off", PHRASES), "切断");
  assert.equal(translatePhrases("HTTP 400, names version 13", PHRASES), "HTTP 400，写出版本 13");
});

test("several phrases are translated with what each was observed of", () => {
  assert.equal(
    translatePhrases("cut off for 1014; close 1002 for 999, 1004", PHRASES),
    "1014：切断；999、1004：关闭 1002",
  );
});

test("a phrase may have the word by which others are divided", () => {
  assert.equal(translatePhrases("taken for a message", PHRASES), "当作消息");
  assert.equal(translatePhrases("taken for a message for binary, an empty text", PHRASES), "二进制、空文本：当作消息");
});

test("where a part is unknown nothing is translated", () => {
  assert.equal(translatePhrases("cut off for 1014; something new for 999", PHRASES), null);
  assert.equal(translatePhrases("cut off for something new", PHRASES), null);
});
