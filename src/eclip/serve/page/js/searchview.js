// The search: filters, results, and more of them.

import * as api from "./api.js";
import { card, waitingCards } from "./card.js";
import { announce, el, icon, renew } from "./dom.js";
import { countFilters, filterChips, showFilters, withoutFilters } from "./filters.js";
import { number, say } from "./language.js";
import { searchAddress } from "./place.js";
import { pictureOf } from "./searchbox.js";

const PAGE_SIZE = 24;
const NARROW = matchMedia("(max-width: 56rem)");

/** The view of the search; it keeps its results while another view is looked at. */
export class SearchView {
  constructor() {
    this.asked = null; // AbortController of the request under way
    this.shown = null; // {key, hits, answer, place}
    this.filters = el("div", { class: "filters" });
    this.heading = el("h1", { class: "hidden" });
    this.listHeading = el("h2", { class: "hidden", tabindex: -1 });
    this.status = el("p", { class: "status" });
    this.chips = el("ul", { class: "chips" });
    this.filterButton = el("button", { type: "button", class: "filter-button", "aria-haspopup": "dialog", on: { click: () => this.openDrawer() } });
    this.error = el("div", { class: "notice", role: "alert", hidden: true });
    this.list = el("ol", { class: "cards" });
    this.more = el("button", { type: "button", class: "more-results", hidden: true, on: { click: () => this.showMore() } });
    this.past = el("button", { type: "button", class: "past", on: { click: () => this.listHeading.focus() } });
    this.aside = el("aside", {}, this.past, this.filters);
    this.drawer = el("dialog", { class: "drawer" });
    this.drawer.addEventListener("close", () => this.aside.append(this.filters));
    NARROW.addEventListener("change", () => this.drawer.close());
    this.element = el("div", { class: "search-view" }, this.aside,
      el("section", { class: "results" }, this.heading, el("div", { class: "results-head" }, this.status, this.filterButton), this.chips,
        this.error, this.listHeading, this.list, this.more), this.drawer);
    new IntersectionObserver((seen) => { if (seen.some((each) => each.isIntersecting)) this.showMore(); }, { rootMargin: "600px" }).observe(this.more);
  }

  title(place) {
    const words = place.query.get("q");
    return words ? say("title.search", { words }) : say("title.shop");
  }

  /** Shows a place: from what is there already when one comes back to it. */
  async show(place, { again = false } = {}) {
    const key = JSON.stringify([place.query.toString(), place.state.picture ?? null]);
    if (!again && this.shown?.key === key && !this.asked) return this.lay();
    this.asked?.abort();
    const mine = (this.asked = new AbortController());
    const picture = pictureOf(place);
    this.error.hidden = true;
    this.list.setAttribute("aria-busy", "true");
    if (!this.shown) this.list.replaceChildren(...waitingCards(12));
    try {
      const answer = await api.search(place.query, picture, { topK: PAGE_SIZE, offset: 0, facets: true, signal: mine.signal });
      this.shown = { key, place, answer, hits: answer.hits, ended: answer.hits.length < PAGE_SIZE };
      this.lay();
      announce(this.status.textContent);
      if (mine === this.asked && !again) this.toTop();
    } catch (fault) {
      if (fault.name !== "AbortError") this.refuse(fault);
    } finally {
      if (mine === this.asked) {
        this.asked = null;
        this.list.removeAttribute("aria-busy");
      }
    }
  }

  toTop() {
    if (this.element.isConnected && scrollY > 0) scrollTo({ top: 0 });
  }

  async showMore() {
    const { shown } = this;
    if (!shown || shown.ended || this.asked || this.more.disabled || !this.element.isConnected) return;
    this.more.disabled = true;
    try {
      const answer = await api.search(shown.place.query, pictureOf(shown.place), { topK: PAGE_SIZE, offset: shown.hits.length, facets: false });
      if (this.shown !== shown) return;
      const known = new Set(shown.hits.map((hit) => hit.product_id));
      const fresh = answer.hits.filter((hit) => !known.has(hit.product_id));
      shown.ended = answer.hits.length < PAGE_SIZE || !fresh.length;
      this.list.append(...fresh.map((hit, index) => this.card(hit, shown.hits.length + index)));
      shown.hits = [...shown.hits, ...fresh];
      announce(say("results.added", { count: fresh.length }));
    } catch (fault) {
      shown.ended = true; // the next search tries anew
      this.refuse(fault, { keep: true });
    } finally {
      this.more.disabled = false;
      this.more.hidden = Boolean(this.shown?.ended);
    }
  }

  /** Lays what is shown out, in the language of now. */
  lay() {
    const { place, answer, hits, ended } = this.shown;
    const words = place.query.get("q");
    this.heading.textContent = this.title(place);
    this.past.textContent = say("results.toThem");
    this.listHeading.textContent = say("results.label");
    this.status.replaceChildren(...this.counted(words, answer, pictureOf(place)));
    this.list.replaceChildren(...hits.map((hit, index) => this.card(hit, index)));
    if (!hits.length) this.list.append(this.nothing(place));
    this.more.textContent = say("results.more");
    this.more.hidden = ended;
    renew(this.chips, filterChips(place));
    this.chips.hidden = !this.chips.children.length;
    if (answer.facets) showFilters(this.filters, answer.facets, place);
    const count = countFilters(place.query);
    this.filterButton.replaceChildren(icon("filter"), el("span", { text: count ? say("filters.openSome", { count }) : say("filters.open") }));
    this.aside.setAttribute("aria-label", say("filters.label"));
    if (this.drawer.open) this.layDrawer();
  }

  counted(words, answer, picture) {
    const count = el("strong", { text: say("results.count", { count: answer.num_products }) });
    if (picture) return [count, ` ${say(words ? "results.byBoth" : "results.byPicture", { words })}`];
    return words ? [count, ` ${say("results.byWords", { words })}`] : [count];
  }

  card(hit, index) {
    const { place, answer } = this.shown;
    const picture = pictureOf(place) !== null;
    const words = place.query.get("q");
    if (!words && !picture) return card(hit);
    return card(hit, { found: { words, picture, score: hit.score, matched: hit.matched, rank: index + 1, of: answer.num_products } });
  }

  nothing(place) {
    const wider = withoutFilters(place.query);
    const link = el("a", { href: searchAddress(wider), class: "button", text: say("filters.clear") });
    link.entry = place.state;
    return el("li", { class: "nothing" }, el("p", { class: "large", text: say("results.none") }), el("p", { text: say("results.noneHint") }),
      countFilters(place.query) ? link : null);
  }

  refuse(fault, { keep = false } = {}) {
    this.error.textContent = fault.message;
    this.error.hidden = false;
    if (keep) return;
    this.shown = null;
    this.status.textContent = "";
    this.list.replaceChildren();
    this.more.hidden = true;
  }

  openDrawer() {
    this.layDrawer();
    this.drawer.showModal();
  }

  layDrawer() {
    this.drawer.setAttribute("aria-label", say("filters.label"));
    const close = () => this.drawer.close();
    const count = this.shown ? number(this.shown.answer.num_products) : "";
    renew(this.drawer,
      el("div", { class: "drawer-head" }, el("h2", { text: say("filters.label") }),
        el("button", { type: "button", class: "bare", "aria-label": say("filters.close"), data: { key: "drawer-close" }, on: { click: close } }, icon("close"))),
      this.filters,
      el("button", { type: "button", class: "main", data: { key: "drawer-done" }, text: say("filters.done", { count }), on: { click: close } }));
  }
}
