// The words of the page in the chosen language: text/en.json and text/ko.json, the same keys in both.

const LANGUAGES = { en: "English", ko: "한국어" };
const REMEMBERED = "eclip.language";
const listeners = [];
const texts = {};
let language = "en";

function preferred() {
  const remembered = recall(REMEMBERED);
  if (remembered in LANGUAGES) return remembered;
  return (navigator.language || "en").toLowerCase().startsWith("ko") ? "ko" : "en";
}

/** What the browser keeps for this page; null where it keeps nothing (private windows refuse). */
export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Keeps a value for the next visit, where the browser allows it. */
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch { /* the page works without */ }
}

export async function startLanguage() {
  await use(preferred());
}

/** Switches to the other language and remembers it. */
export async function switchLanguage() {
  await use(otherLanguage());
  remember(REMEMBERED, language);
  for (const listen of listeners) listen();
}

export const onLanguage = (listen) => listeners.push(listen);
export const otherLanguage = () => (language === "en" ? "ko" : "en");
export const languageName = (code) => LANGUAGES[code];

async function use(code) {
  if (!texts[code]) {
    const response = await fetch(`/page/text/${code}.json`);
    texts[code] = await response.json();
  }
  language = code;
  document.documentElement.lang = code;
  speak(document);
}

/** Puts the words into elements that carry data-say (text) or data-say-label (name for screen readers). */
export function speak(root) {
  for (const element of root.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const element of root.querySelectorAll("[data-say-label]")) {
    element.setAttribute("aria-label", say(element.dataset.sayLabel));
  }
}

/** A text, with {name} filled in; where `count` is given, the form for that number. */
export function say(key, given = {}) {
  const known = texts[language] || {};
  const form = "count" in given ? `${key}.${new Intl.PluralRules(language).select(given.count)}` : key;
  const text = known[form] ?? known[`${key}.other`] ?? known[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof given[name] === "number" ? number(given[name]) : given[name]));
}

/** The text of a key that only some values have, else the value itself: names of attributes, fields, sources. */
export function sayIfKnown(key, otherwise) {
  return (texts[language] || {})[key] ?? otherwise;
}

export const number = (value, digits = 0) => value.toLocaleString(language, { maximumFractionDigits: digits });
export const price = (value) => value.toLocaleString(language, { minimumFractionDigits: 0, maximumFractionDigits: 2 });
export const percent = (value) => value.toLocaleString(language, { style: "percent" });

/** "1,200" or "1,200 to 1,500"; empty where there is no price. */
export function priceRange(low, high) {
  if (low === null || low === undefined) return "";
  return high === null || high === undefined || high === low ? price(low) : say("price.range", { low: price(low), high: price(high) });
}
