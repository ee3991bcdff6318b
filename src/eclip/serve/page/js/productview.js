// One product: pictures, sellers, attributes with how sure they are, why it was found, and what is like it.

import * as api from "./api.js";
import { framedPicture } from "./card.js";
import { correction, mayCorrect } from "./correction.js";
import { el, icon, safeAddress } from "./dom.js";
import { attributeName } from "./filters.js";
import { percent, price, priceRange, say, sayIfKnown } from "./language.js";
import { productAddress, searchAddress } from "./place.js";
import { SimilarProducts } from "./similar.js";
import { why } from "./why.js";

export class ProductView {
  constructor() {
    this.element = el("article", { class: "product-view" });
    this.shown = null;
    this.asked = null;
  }

  title() {
    return this.shown ? this.shown.product.title || say("card.untitled") : say("title.product");
  }

  async show(place, { again = false } = {}) {
    this.asked?.abort();
    if (again && this.shown?.product.product_id === place.productId) return this.lay();
    const mine = (this.asked = new AbortController());
    this.shown = null;
    this.element.replaceChildren(el("p", { class: "status", text: say("product.loading") }));
    try {
      const product = await api.product(place.productId, mine.signal);
      this.shown = { place, product, similar: new SimilarProducts(product, mine.signal) };
      this.lay();
      scrollTo({ top: 0 });
    } catch (fault) {
      if (fault.name !== "AbortError") this.refuse(fault);
    }
  }

  refuse(fault) {
    this.element.replaceChildren(
      el("div", { class: "notice", role: "alert" }, el("p", { text: fault.message }), el("a", { href: "/", class: "button", text: say("product.back") })));
  }

  /** Asks anew, after a correction. */
  async renewProduct() {
    const { place, similar } = this.shown;
    const product = await api.product(place.productId);
    this.shown = { place, product, similar };
    this.lay();
  }

  lay() {
    const { product, place, similar } = this.shown;
    document.title = say("title.page", { title: this.title() });
    const reason = place.state.found ? why(place.state.found, product) : null;
    this.element.replaceChildren(
      this.trail(product),
      el("div", { class: "product-main" },
        this.gallery(product),
        el("div", { class: "product-about" }, this.head(product), reason, this.sellers(product), this.facts(product), this.description(product))),
      similar.element,
    );
    similar.lay();
  }

  trail({ category }) {
    const steps = (category || []).map((name, level) => {
      const query = new URLSearchParams({ category: category.slice(0, level + 1).join(" > ") });
      return el("li", {}, el("a", { href: searchAddress(query), text: name }));
    });
    return el("nav", { class: "trail", "aria-label": say("product.trail") },
      el("ol", {}, el("li", {}, el("a", { href: "/", text: say("nav.search") })), steps));
  }

  gallery(product) {
    const pictures = product.image_urls || [];
    const title = product.title || say("card.untitled");
    const large = el("div", { class: "large-picture" }, framedPicture(pictures[0], { lazy: false, alt: say("card.pictureOf", { title }) }));
    if (pictures.length < 2) return el("div", { class: "gallery" }, large);
    const small = pictures.map((address, index) => el("li", {}, el("button", {
      type: "button", class: "bare", "aria-label": say("product.picture", { number: index + 1 }), "aria-pressed": index === 0 ? "true" : "false",
      on: {
        click: (event) => {
          large.replaceChildren(framedPicture(address, { lazy: false, alt: say("card.pictureOf", { title }) }));
          for (const each of event.currentTarget.closest("ul").querySelectorAll("button")) each.setAttribute("aria-pressed", String(each === event.currentTarget));
        },
      },
    }, framedPicture(address))));
    return el("div", { class: "gallery" }, large, el("ul", { class: "small-pictures" }, small));
  }

  head(product) {
    const prices = product.offers.map((offer) => offer.price).filter((each) => each !== null);
    const range = prices.length ? priceRange(Math.min(...prices), Math.max(...prices)) : "";
    const cleaned = product.raw_title && product.raw_title !== product.title;
    return el("header", { class: "product-head" },
      product.brand && el("p", { class: "brandline", text: product.brand }),
      el("h1", { text: product.title || say("card.untitled") }),
      cleaned && el("p", { class: "raw" }, el("span", { text: `${say("product.rawTitle")} ` }), el("q", { text: product.raw_title })),
      el("p", { class: "money large" }, el("span", { class: "price", text: range }),
        product.policy && el("span", { class: "policy", text: sayIfKnown(`policy.${product.policy}`, product.policy) })));
  }

  sellers(product) {
    const [only] = product.offers;
    if (!only || (product.offers.length === 1 && !only.seller && only.price === null && !safeAddress(only.url))) return null;
    const offers = [...product.offers].sort((one, other) => (one.price ?? Infinity) - (other.price ?? Infinity));
    const cheapest = offers.length > 1 && offers[0].price !== null && offers[0].price < (offers[1].price ?? Infinity) ? offers[0] : null;
    const reason = product.catalog_reason && offers.length > 1 ? sayIfKnown(`reason.${product.catalog_reason}`, product.catalog_reason) : null;
    return el("section", { class: "panel" },
      el("h2", { text: say("product.sellers", { count: offers.length }) }),
      reason && el("p", { class: "soft", text: say("product.joined", { reason }) }),
      el("ul", { class: "offers" }, offers.map((offer) => this.offer(offer, product, offer === cheapest))));
  }

  offer(offer, product, cheapest) {
    const address = safeAddress(offer.url);
    const own = offer.product_id === product.product_id;
    const title = offer.title || say("card.untitled");
    const same = typeof offer.probability === "number" && !own ? [say("product.same", { percent: percent(offer.probability) }), offer.reason].filter(Boolean).join(" · ") : null;
    return el("li", { class: own ? "offer own" : "offer" },
      framedPicture(offer.image_url),
      el("div", { class: "offer-about" },
        el("p", { class: "offer-seller" }, el("strong", { text: offer.seller || say("product.unknownSeller") }),
          cheapest && el("span", { class: "tag", text: say("product.cheapest") }), own && el("span", { class: "tag quiet", text: say("product.shown") })),
        own ? el("p", { class: "soft", text: title }) : el("p", {}, el("a", { href: productAddress(offer.product_id), text: title })),
        same && el("p", { class: "soft small", text: same })),
      el("div", { class: "offer-price" },
        el("span", { class: "price", text: offer.price === null ? "–" : price(offer.price) }),
        address && el("a", { href: address, rel: "noopener noreferrer nofollow", target: "_blank", "aria-label": say("product.visit", { seller: offer.seller || address }) }, icon("external"))));
  }

  facts(product) {
    const path = (product.category || []).join(" > ");
    const rows = [
      this.fact(product, { field: "category", name: say("field.category"), text: path || say("product.unknown"), value: path, confidence: product.category_confidence, source: product.category_source }),
      ...product.attributes.map((each) => this.fact(product, {
        field: `attributes.${each.name}`, name: attributeName(each.name), text: each.values.join(", "), value: each.values.join("|"), confidence: each.confidence, source: each.source,
      })),
    ];
    if (product.policy || typeof product.policy_probability === "number") {
      const said = product.policy ?? "";
      rows.push(this.fact(product, { field: "policy", name: say("field.policy"), text: sayIfKnown(`policy.${said || "none"}`, said), value: said,
        note: typeof product.policy_probability === "number" ? say("product.adultChance", { percent: percent(product.policy_probability) }) : null }));
    }
    return el("section", { class: "panel" }, el("h2", { text: say("product.facts") }), el("dl", { class: "facts" }, rows));
  }

  fact(product, { field, name, text, value, confidence, source, note }) {
    const sure = typeof confidence === "number";
    const level = sure ? (confidence >= 0.8 ? "high" : confidence >= 0.5 ? "middle" : "low") : null;
    const meter = sure && el("span", { class: `meter ${level}`, title: say("product.confidence", { percent: percent(confidence) }) }, el("span", { class: "fill" }));
    if (meter) meter.firstChild.style.inlineSize = `${Math.round(confidence * 100)}%`;
    const row = el("div", { class: "fact", data: { field } }, el("dt", { text: name }),
      el("dd", {}, el("span", { class: "value", text }),
        sure && el("span", { class: "sure" }, meter, el("span", { class: "small", text: percent(confidence) })),
        (note || (source && source !== "given")) && el("span", { class: "soft small", text: note || sayIfKnown(`source.${source}`, source) }),
        mayCorrect() && correction({ product, field, name, value, done: () => this.renewProduct() })));
    return row;
  }

  description({ description }) {
    if (!description) return null;
    return el("details", { class: "panel" }, el("summary", {}, el("h2", { text: say("product.description") })), el("p", { class: "description", text: description }));
  }
}
