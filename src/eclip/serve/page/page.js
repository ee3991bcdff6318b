"use strict";
// The search page: asks /search while one types or gives a picture, and lays the answer out as cards.

const TEXTS = {
  en: {
    size: (n) => `${n.toLocaleString("en")} listings`,
    report: "Report", label: "Search products", placeholder: "What are you looking for?", choose: "Picture", search: "Search",
    hint: "Type, or choose, drop or paste a picture. Both together work too.",
    remove: "Remove", preview: "The picture you search with",
    busy: "Searching\u2026", count: (n) => (n === 1 ? "1 product" : `${n} products`),
    none: "Nothing found. Try other words or another picture.",
    score: (s) => `Score ${s}`, same: (n) => (n === 1 ? "1 same product" : `${n} same products`),
    alt: (t) => `Picture of ${t}`, noPicture: "no picture", untitled: "Without title",
    tooLarge: "The picture is larger than 8 MB. Choose a smaller one.", notPicture: "This is not a picture. Choose a JPEG, PNG or WebP file.",
    offline: "The search does not answer. Is it still running?", other: "한국어", otherLanguage: "ko",
  },
  ko: {
    size: (n) => `상품 ${n.toLocaleString("ko")}개`,
    report: "보고서", label: "상품 검색", placeholder: "무엇을 찾으세요?", choose: "사진", search: "검색",
    hint: "검색어를 입력하거나 사진을 선택하거나 끌어다 놓거나 붙여넣으세요. 함께 써도 됩니다.",
    remove: "지우기", preview: "검색에 쓰는 사진",
    busy: "검색 중\u2026", count: (n) => `검색 결과 ${n}개`,
    none: "찾은 상품이 없습니다. 다른 검색어나 사진으로 찾아보세요.",
    score: (s) => `유사도 ${s}`, same: (n) => `같은 상품 ${n}개`,
    alt: (t) => `${t} 사진`, noPicture: "사진 없음", untitled: "제목 없음",
    tooLarge: "사진이 8 MB보다 큽니다. 더 작은 사진을 선택하세요.", notPicture: "사진 파일이 아닙니다. JPEG, PNG, WebP 파일을 선택하세요.",
    offline: "검색 서버가 응답하지 않습니다. 실행 중인지 확인하세요.", other: "English", otherLanguage: "en",
  },
};
const TYPING_PAUSE_MS = 300;
const find = (id) => document.getElementById(id);
const query = find("query");
let language = (navigator.language || "en").startsWith("ko") ? "ko" : "en";
let picture = null; // the File that is searched with
let shown = null; // the last answer, to lay it out again in another language
let asked = null; // the AbortController of the request under way
let pause = 0;

const say = (name, ...given) => {
  const text = TEXTS[language][name];
  return typeof text === "function" ? text(...given) : text;
};

function speak() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-say]")) {
    element.textContent = say(element.dataset.say, Number(document.body.dataset.numProducts));
  }
  query.placeholder = say("placeholder");
  find("preview").alt = say("preview");
  find("language").textContent = say("other");
  find("language").lang = say("otherLanguage");
  if (shown) showHits(shown);
}

function showStatus(text) {
  find("status").textContent = text;
}

function showError(text) {
  find("error").textContent = text;
  find("error").hidden = !text;
  if (!text) return;
  shown = null;
  showStatus("");
  find("hits").replaceChildren();
}

function card(hit) {
  const item = find("card").content.firstElementChild.cloneNode(true);
  const part = (selector) => item.querySelector(selector);
  const title = hit.title || say("untitled");
  const image = part("img");
  image.alt = say("alt", title);
  image.addEventListener("error", () => {
    image.parentElement.dataset.empty = say("noPicture");
    image.remove();
  });
  image.src = hit.image_url;
  part("h2").textContent = title;
  part("h2").title = title;
  part(".category").textContent = (hit.category || []).join(" \u203a ");
  part(".price").textContent = hit.price === null ? "" : hit.price.toLocaleString(language);
  part(".seller").textContent = hit.seller || "";
  part(".facts").hidden = hit.price === null && !hit.seller;
  part(".words").textContent = say("score", hit.score.toFixed(2));
  part(".share > span").style.width = `${Math.max(0, Math.min(1, hit.score)) * 100}%`;
  if (hit.same_product_ids.length) {
    part("details").hidden = false;
    part("summary").textContent = say("same", hit.same_product_ids.length);
    part("ul").replaceChildren(...hit.same_product_ids.map((id) => {
      const other = document.createElement("li");
      other.textContent = id;
      return other;
    }));
  }
  return item;
}

function showHits(hits) {
  shown = hits;
  find("hits").replaceChildren(...hits.map(card));
  showStatus(hits.length ? say("count", hits.length) : say("none"));
}

async function search() {
  clearTimeout(pause);
  if (asked) asked.abort();
  const text = query.value.trim();
  const address = new URL(location.href);
  if (text) address.searchParams.set("q", text);
  else address.searchParams.delete("q");
  history.replaceState(null, "", address);
  showError("");
  if (!text && !picture) {
    shown = null;
    find("hits").replaceChildren();
    showStatus("");
    return;
  }
  const mine = (asked = new AbortController());
  showStatus(say("busy"));
  try {
    const response = await ask(text, mine.signal);
    const answer = await response.json();
    if (mine !== asked) return;
    if (response.ok) showHits(answer.hits);
    else showError(answer.error);
  } catch (fault) {
    if (fault.name !== "AbortError" && mine === asked) showError(say("offline"));
  }
}

function ask(text, signal) {
  if (!picture) return fetch(`/search?${new URLSearchParams({ q: text })}`, { signal });
  const form = new FormData();
  form.append("picture", picture);
  if (text) form.append("q", text);
  return fetch("/search", { method: "POST", body: form, signal });
}

function usePicture(file) {
  if (file && !file.type.startsWith("image/")) return showError(say("notPicture"));
  if (file && file.size > Number(document.body.dataset.maxUploadBytes)) return showError(say("tooLarge"));
  URL.revokeObjectURL(find("preview").src);
  picture = file;
  find("picture").value = "";
  find("chosen").hidden = !file;
  if (file) {
    find("preview").src = URL.createObjectURL(file);
    find("picture-name").textContent = file.name;
  } else {
    find("preview").removeAttribute("src");
    find("choose").focus();
  }
  return search();
}

query.addEventListener("input", (event) => {
  clearTimeout(pause);
  if (!event.isComposing) pause = setTimeout(search, TYPING_PAUSE_MS);
});
query.addEventListener("compositionend", () => { // a Hangul syllable is whole
  clearTimeout(pause);
  pause = setTimeout(search, TYPING_PAUSE_MS);
});
find("search").addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
find("choose").addEventListener("click", () => find("picture").click());
find("picture").addEventListener("change", (event) => {
  if (event.target.files.length) usePicture(event.target.files[0]);
});
find("remove").addEventListener("click", () => usePicture(null));
find("language").addEventListener("click", () => {
  language = say("otherLanguage");
  speak();
});

document.addEventListener("dragover", (event) => {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  document.body.classList.remove("dropping");
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

query.value = new URL(location.href).searchParams.get("q") || "";
speak();
if (query.value) search();
