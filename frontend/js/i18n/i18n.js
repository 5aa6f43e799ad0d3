// The two languages of the page. A text is a key and its parameters until it is shown, so a switch turns all of it.
import { en } from "./en.js";

/** @typedef {{ key: string, params?: Record<string, string | number> }} Message */
/** @typedef {"en" | "zh"} Language */

/** @type {{ en: Record<string, string>, zh?: Record<string, string> }} English is what the page starts with */
const TEXTS = { en };
/** What the lab's data say in English, such as a summary, a question or a cause, with its Chinese. @type {Map<string, string>} */
let sentences = new Map();
/** The same of what a check observed, or a benchmark measured. @type {(english: string) => string | null} */
let phrasesInChinese = () => null;

const REMEMBERED = "echo-wall-language";

/** @type {Language} */
let current = "en";

export const languageChanges = new EventTarget();

export function language() {
  return current;
}

/** @param {string} key @param {Record<string, string | number>} [params] */
export function t(key, params = {}) {
  const text = (TEXTS[current] ?? en)[key];
  if (text === undefined) throw new Error(`no text for ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(params[name]));
}

/** What a check observed, or a benchmark measured, as it is shown, and in which language. @param {string} english @returns {{ text: string, lang: Language }} */
export function translatedPhrases(english) {
  const chinese = current === "zh" ? phrasesInChinese(english) : null;
  return chinese === null ? { text: english, lang: "en" } : { text: chinese, lang: "zh" };
}

/** @param {string} key */
export function hasText(key) {
  return Object.hasOwn(en, key);
}

/** A sentence of the lab's data as it is shown, and in which language. @param {string} english @returns {{ text: string, lang: Language }} */
export function translated(english) {
  const chinese = current === "zh" ? sentences.get(english) : undefined;
  return chinese === undefined ? { text: english, lang: "en" } : { text: chinese, lang: "zh" };
}

/** Rejects if the texts do not come; another call tries again. @param {Language} chosen */
export async function loadLanguage(chosen) {
  if (chosen !== "zh") return;
  TEXTS.zh = (await import("./zh.js")).zh;
  if (sentences.size === 0) void loadSentences();
}

/** They may come later than the texts. Until then, and if they do not come, the data stay in English, and are marked so. */
async function loadSentences() {
  try {
    const [found, phrases, { translatePhrases }] = await Promise.all([
      load("../../sentences.zh.json"),
      load("./phrases.zh.json"),
      import("./phrases.js"),
    ]);
    sentences = found;
    phrasesInChinese = (english) => translatePhrases(english, phrases);
    languageChanges.dispatchEvent(new Event("change"));
  } catch {
    // The next choice of the language asks again.
  }
}

/** @param {string} file @returns {Promise<Map<string, string>>} */
async function load(file) {
  const response = await fetch(new URL(file, import.meta.url));
  if (!response.ok) throw new Error(`${file}: HTTP ${response.status}`);
  return new Map(Object.entries(await response.json()));
}

/** @param {Language} chosen whose texts are loaded */
export function setLanguage(chosen) {
  current = chosen;
  document.documentElement.lang = chosen;
  document.title = t("page.title");
  languageChanges.dispatchEvent(new Event("change"));
}

/** @param {Language} chosen */
export function rememberLanguage(chosen) {
  try {
    localStorage.setItem(REMEMBERED, chosen);
  } catch {
    // Storage may be forbidden; the address still carries the choice.
  }
}

/** @param {string | null} asked by the address @returns {Language} */
export function firstLanguage(asked) {
  let remembered = null;
  try {
    remembered = localStorage.getItem(REMEMBERED);
  } catch {
    // As above.
  }
  const wanted = asked ?? remembered ?? navigator.language;
  return wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
}
