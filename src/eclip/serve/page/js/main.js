// Starts the page and shows the view that its address names.

import { announce, find } from "./dom.js";
import { languageName, onLanguage, otherLanguage, say, startLanguage, switchLanguage } from "./language.js";
import { here, onPlace, watchPlace } from "./place.js";
import { ProductView } from "./productview.js";
import { showInBox, startSearchBox } from "./searchbox.js";
import { SearchView } from "./searchview.js";

const views = { search: new SearchView(), product: new ProductView() };
const later = { map: () => import("./mapview.js"), review: () => import("./reviewview.js") }; // asked for when first looked at
const scrolled = new Map(); // address -> how far down the person was
let current = null; // {view, address}

async function viewOf(name) {
  if (!views[name]) views[name] = new (await later[name]()).default();
  return views[name];
}

async function show(place, { moved = true, back = false, again = false } = {}) {
  const view = await viewOf(place.view);
  const changed = current?.view !== view;
  if (current && changed) {
    scrolled.set(current.address, current.scroll);
    current.view.leave?.();
    find("main").replaceChildren(view.element);
  } else if (!current) {
    find("main").replaceChildren(view.element);
  }
  const first = !current;
  const address = location.pathname + location.search;
  const returned = back && changed ? scrolled.get(address) : undefined;
  current = { view, address, scroll: scrollY };
  mark(place);
  showInBox(place);
  if (changed && returned === undefined && !first) scrollTo({ top: 0 });
  await view.show(place, { again });
  document.title = say("title.page", { title: view.title(place) });
  if (returned !== undefined) scrollTo({ top: returned });
  if (changed && moved && !first) {
    find("main").focus({ preventScroll: true });
    announce(view.title(place));
  }
}

function mark(place) {
  for (const link of find("places").querySelectorAll("[data-place]")) {
    if (link.dataset.place === place.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function nameLanguageButton() {
  find("language").textContent = languageName(otherLanguage());
  find("language").lang = otherLanguage();
}

await startLanguage();
history.scrollRestoration = "manual";
nameLanguageButton();
startSearchBox();
watchPlace();
onPlace((place, how) => show(place, how));
onLanguage(() => {
  nameLanguageButton();
  show(here(), { moved: false, again: true });
});
addEventListener("scroll", () => { if (current) current.scroll = scrollY; }, { passive: true });
find("language").addEventListener("click", switchLanguage);
document.addEventListener("eclip:refused", (event) => views.search.refuse({ message: event.detail }));
await show(here());
if (here().view === "search" && matchMedia("(hover: hover)").matches) find("query").focus();
