// The box at the top: words while one types, and a picture that is chosen, dropped or pasted.

import { announce, find, icon } from "./dom.js";
import { onLanguage, say } from "./language.js";
import { go, here, searchAddress } from "./place.js";

const TYPING_PAUSE_MS = 250;
const pictures = new Map(); // number in the history's entry -> File; they live as long as the page
const box = { query: null, typing: false, pause: 0 };

/** The picture that a place is searched with; null where there is none, or the page was loaded anew since. */
export const pictureOf = (place) => pictures.get(place.state.picture) ?? null;

/** Shows the words and the picture of a place, unless the person is typing them right now. */
export function showInBox(place) {
  if (place.view === "search" && !(box.typing && document.activeElement === box.query)) {
    box.query.value = place.query.get("q") ?? "";
  }
  showPicture(place.view === "search" ? pictureOf(place) : null);
}

export function startSearchBox() {
  box.query = find("query");
  for (const [id, name] of [["choose", "camera"], ["submit", "search"], ["remove", "close"]]) find(id).append(icon(name));
  name();
  onLanguage(name);
  listenToWords();
  listenToPictures();
}

function name() {
  box.query.placeholder = say("search.placeholder");
  for (const [id, key] of [["choose", "search.choose"], ["submit", "search.submit"], ["remove", "search.remove"]]) {
    find(id).setAttribute("aria-label", say(key));
    find(id).title = say(key);
  }
  find("preview").alt = say("search.preview");
}

function listenToWords() {
  box.query.addEventListener("input", (event) => {
    if (!event.isComposing) later();
  });
  box.query.addEventListener("compositionend", later); // a Hangul syllable is whole
  box.query.addEventListener("blur", () => { box.typing = false; });
  find("search").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
    box.typing = false; // what is typed next is a search of its own
  });
  document.addEventListener("keydown", (event) => {
    const busy = event.target.closest("input, textarea, select, [contenteditable], dialog, [role=application]");
    if (event.key !== "/" || busy || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    box.query.select();
    box.query.focus();
  });
}

function later() {
  clearTimeout(box.pause);
  box.pause = setTimeout(ask, TYPING_PAUSE_MS);
}

/** One entry of the history for each burst of typing, not one a letter. */
function ask() {
  clearTimeout(box.pause);
  const place = here();
  const words = box.query.value.trim();
  const query = place.view === "search" ? place.query : new URLSearchParams();
  if (place.view === "search" && words === (query.get("q") ?? "")) return;
  if (words) query.set("q", words);
  else query.delete("q");
  const replace = box.typing && place.view === "search";
  box.typing = true;
  go(searchAddress(query), { replace, state: place.view === "search" ? place.state : {} });
}

function listenToPictures() {
  find("choose").addEventListener("click", () => find("picture").click());
  find("picture").addEventListener("change", (event) => {
    if (event.target.files.length) usePicture(event.target.files[0]);
    event.target.value = ""; // so that the same file can be chosen again
  });
  find("remove").addEventListener("click", () => {
    go(searchAddress(here().query));
    find("choose").focus();
  });
  document.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    find("drop").hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) find("drop").hidden = true;
  });
  document.addEventListener("drop", (event) => {
    find("drop").hidden = true;
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    usePicture(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    usePicture(file);
  });
}

/** Searches with a picture; the words that stand in the box stay with it ("this, but red"). */
function usePicture(file) {
  const fault = !file.type.startsWith("image/") ? "search.notPicture"
    : file.size > Number(document.body.dataset.maxUploadBytes) ? "search.tooLarge" : null;
  if (fault) return refuse(say(fault));
  const number = pictures.size + 1;
  pictures.set(number, file);
  const place = here();
  const query = place.view === "search" ? place.query : new URLSearchParams();
  go(searchAddress(query), { state: { picture: number } });
  announce(say("search.withPicture"));
}

function refuse(text) {
  document.dispatchEvent(new CustomEvent("eclip:refused", { detail: text }));
}

function showPicture(file) {
  const preview = find("preview");
  if (preview.src) URL.revokeObjectURL(preview.src);
  find("chosen").hidden = !file;
  if (file) preview.src = URL.createObjectURL(file);
  else preview.removeAttribute("src");
}
