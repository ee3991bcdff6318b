// Why a product was found: its place among the results, what of the query it matched, and the words they share.

import { el } from "./dom.js";
import { number, say } from "./language.js";

const WORD = /[\p{L}\p{N}]+/gu;

/**
 * @param {object} found {words, picture, score, matched, rank, of} as the results knew it
 * @param {object} product as the service answers it
 */
export function why(found, product) {
  const matched = found.matched || [];
  const shared = sharedWords(found.words ?? "", product.title ?? "");
  const lines = [];
  if (matched.includes("words") || shared.length) {
    lines.push(el("li", {}, say("why.words"), " ", ...shared.map((word) => el("mark", { text: word }))));
  }
  if (matched.includes("vectors")) {
    lines.push(el("li", { text: say(found.picture && !found.words ? "why.looks" : found.picture ? "why.both" : "why.meaning") }));
  }
  lines.push(el("li", { class: "soft", text: say("why.score", { score: number(found.score, 3) }) }));
  const asked = found.words && found.picture ? say("why.askedBoth", { words: found.words }) : found.words ? say("why.asked", { words: found.words }) : say("why.askedPicture");
  return el("section", { class: "panel why", "aria-label": say("why.title") },
    el("h2", { text: say("why.title") }),
    el("p", { text: `${asked} ${say("why.rank", { rank: found.rank, of: found.of })}` }),
    el("ul", {}, lines));
}

/** Words of the title that begin as a word of the query does ("shirt" in "shirts"; 에어 in 에어맥스). */
export function sharedWords(words, title) {
  const asked = [...words.toLowerCase().matchAll(WORD)].map(([word]) => word).filter((word) => word.length > 1 || /\P{ASCII}/u.test(word));
  const own = [...new Set([...title.matchAll(WORD)].map(([word]) => word))];
  return own.filter((word) => asked.some((each) => stem(word.toLowerCase(), each)));
}

const stem = (one, other) => one.startsWith(other) || (other.startsWith(one) && one.length > 2);
