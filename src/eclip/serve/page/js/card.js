// A product as a card: picture, title, price over its sellers, and what of the query it was found by.

import { el } from "./dom.js";
import { priceRange, say } from "./language.js";
import { productAddress } from "./place.js";

/** A picture in its square frame; an empty frame with words where there is none. */
export function framedPicture(address, { lazy = true, alt = "" } = {}) {
  const frame = el("div", { class: "frame" });
  if (!address) {
    frame.dataset.empty = say("card.noPicture");
    return frame;
  }
  const image = el("img", { alt, src: address, decoding: "async", loading: lazy ? "lazy" : false });
  image.addEventListener("error", () => {
    frame.dataset.empty = say("card.noPicture");
    image.remove();
  });
  frame.append(image);
  return frame;
}

/**
 * A card as an item of a list; all of it leads to the product.
 * @param {object} hit as the service answers it
 * @param {object} entry what the product's page is told of the way there
 */
export function card(hit, entry = {}) {
  const title = hit.title || say("card.untitled");
  const link = el("a", { href: productAddress(hit.product_id), class: "title", text: title, title });
  link.entry = entry;
  const sellers = hit.num_sellers > 1 ? el("span", { class: "sellers", text: say("card.sellers", { count: hit.num_sellers }) }) : null;
  const range = priceRange(hit.min_price ?? hit.price, hit.max_price ?? hit.price);
  return el("li", { class: "card", data: { id: hit.product_id } },
    framedPicture(hit.image_url),
    el("div", { class: "about" },
      el("p", { class: "brandline", text: hit.brand || (hit.category || []).at(-1) || "" }),
      el("h3", {}, link),
      el("p", { class: "money" }, el("span", { class: "price", text: range }), sellers || (hit.seller && el("span", { class: "seller", text: hit.seller }))),
    ),
  );
}

/** Cards that stand for those that are on their way. */
export function waitingCards(count) {
  return Array.from({ length: count }, () => el("li", { class: "card waiting", "aria-hidden": "true" },
    el("div", { class: "frame" }), el("div", { class: "about" }, el("p", { class: "bone" }), el("p", { class: "bone short" }))));
}
