// The filters beside the results, with how many products each would leave.

import { el, icon, renew } from "./dom.js";
import { number, price, say, sayIfKnown } from "./language.js";
import { FILTERS, go, searchAddress } from "./place.js";

const FIRST_VALUES = 8; // before "show more"
const OPEN_ATTRIBUTES = 4;
const opened = new Set(); // groups that show all of their values

/** How many filters a query has. */
export const countFilters = (query) => FILTERS.reduce((sum, name) => sum + query.getAll(name).length, 0);

/** The query without its filters. */
export function withoutFilters(query) {
  const kept = new URLSearchParams(query);
  for (const name of FILTERS) kept.delete(name);
  return kept;
}

function changed(query, change) {
  const next = new URLSearchParams(query);
  change(next);
  return next;
}

const withValue = (query, name, value) => changed(query, (next) => (value === null || value === "" ? next.delete(name) : next.set(name, value)));

function toggled(query, name, value) {
  return changed(query, (next) => {
    const others = next.getAll(name).filter((each) => each !== value);
    const had = others.length < next.getAll(name).length;
    next.delete(name);
    for (const each of had ? others : [...others, value]) next.append(name, each);
  });
}

/**
 * Lays the filters out into `parent`.
 * @param {object} facets as the service counts them
 * @param {object} place where the person is; a change of a filter goes to a new one
 */
export function showFilters(parent, facets, place) {
  const turn = (query) => go(searchAddress(query), { state: place.state });
  const again = () => showFilters(parent, facets, place);
  const { query } = place;
  renew(parent,
    categories(facets.categories, query, place.state),
    prices(facets.price, query, turn),
    choices({ key: "brand", name: say("filters.brand"), values: facets.brands, chosen: query.getAll("brand"), open: true,
      pick: (value) => turn(toggled(query, "brand", value)), again }),
    facets.attributes.map((facet, index) => attribute(facet, index, query, turn, again)),
    adult(facets.adult, query, turn),
  );
}

function attribute(facet, index, query, turn, again) {
  const prefix = `${facet.name}:`;
  const chosen = query.getAll("attribute").filter((each) => each.startsWith(prefix)).map((each) => each.slice(prefix.length));
  return choices({ key: `attribute:${facet.name}`, name: attributeName(facet.name), values: facet.values, chosen,
    open: index < OPEN_ATTRIBUTES || chosen.length > 0, pick: (value) => turn(toggled(query, "attribute", prefix + value)), again });
}

/** The name of an attribute in the page's language, where it is one that the page knows. */
export const attributeName = (name) => sayIfKnown(`attribute.${name.toLowerCase()}`, name);

function categories(children, query, state) {
  const path = (query.get("category") ?? "").split(">").map((each) => each.trim()).filter(Boolean);
  if (!children.length && !path.length) return null;
  const to = (names, text, properties = {}, ...more) => {
    const address = searchAddress(withValue(query, "category", names.join(" > ")));
    const link = el("a", { href: address, data: { key: `category:${names.join(">")}` }, ...properties }, el("span", { text }), ...more);
    link.entry = state;
    return link;
  };
  const steps = path.map((name, level) => {
    const last = level === path.length - 1;
    return el("li", { class: "step" }, to(path.slice(0, level + 1), name, { "aria-current": last ? "true" : null }));
  });
  return group("category", say("filters.category"), true, el("ul", { class: "tree" },
    path.length ? el("li", {}, to([], say("filters.all"), { class: "up" })) : null,
    steps,
    children.map((child) => el("li", { class: path.length ? "leaf" : "" },
      to([...path, child.name], child.name, {}, el("span", { class: "count", text: number(child.count) })))),
  ));
}

function prices(range, query, turn) {
  if (!range && !query.has("min_price") && !query.has("max_price")) return null;
  const field = (name, label, bound) => {
    const input = el("input", {
      type: "number", min: 0, step: "any", inputmode: "decimal", value: query.get(name) ?? "", "aria-label": say(label),
      placeholder: bound === undefined ? "" : price(bound), data: { key: name },
    });
    input.addEventListener("change", () => turn(withValue(query, name, input.value.trim())));
    return input;
  };
  return group("price", say("filters.price"), true, el("div", { class: "range" },
    field("min_price", "filters.from", range?.min), el("span", { text: "–", "aria-hidden": "true" }),
    field("max_price", "filters.to", range?.max)));
}

function choices({ key, name, values, chosen, open, pick, again }) {
  const counts = new Map(values.map(({ value, count }) => [value, count]));
  const known = (value) => values.find((each) => each.value.toLowerCase() === value.toLowerCase())?.value ?? value;
  const picked = chosen.map((value) => known(value));
  for (const value of picked) if (!counts.has(value)) counts.set(value, 0);
  if (!counts.size) return null;
  const all = [...counts].sort(([one], [other]) => picked.includes(other) - picked.includes(one));
  const shown = opened.has(key) ? all : all.slice(0, Math.max(FIRST_VALUES, picked.length));
  const rows = shown.map(([value, count]) => {
    const given = chosen.find((each) => each.toLowerCase() === value.toLowerCase()) ?? value; // as the address has it
    const box = el("input", { type: "checkbox", checked: picked.includes(value), data: { key: `${key}:${value}` } });
    box.addEventListener("change", () => pick(given));
    return el("li", {}, el("label", {}, box, el("span", { text: value }), el("span", { class: "count", text: number(count) })));
  });
  const rest = all.length - shown.length;
  const more = rest > 0 && el("button", { type: "button", class: "bare more", data: { key: `${key}:more` }, on: { click: () => { opened.add(key); again(); } } },
    say("filters.more", { count: rest }));
  return group(key, name, open, el("ul", { class: "choices" }, rows), more);
}

function adult(count, query, turn) {
  if (!count && !query.has("hide_adult")) return null;
  const box = el("input", { type: "checkbox", checked: query.get("hide_adult") === "true", data: { key: "hide_adult" } });
  box.addEventListener("change", () => turn(withValue(query, "hide_adult", box.checked ? "true" : null)));
  return el("div", { class: "group" }, el("label", { class: "switch" }, box, el("span", { text: say("filters.hideAdult") }),
    count ? el("span", { class: "count", text: number(count) }) : null));
}

const folded = new Map(); // group -> whether the person has it open

function group(key, name, open, ...content) {
  const details = el("details", { class: "group", open: folded.get(key) ?? open }, el("summary", { data: { key: `group:${key}` } }, el("span", { text: name })), ...content);
  details.addEventListener("toggle", () => folded.set(key, details.open));
  return details;
}

/** The filters of a query as small buttons that take them off again. */
export function filterChips(place) {
  const { query, state } = place;
  const chip = (text, next) => el("li", {}, el("button", {
    type: "button", class: "chip", data: { key: `chip:${text}` }, "aria-label": say("filters.drop", { name: text }),
    on: { click: () => go(searchAddress(next), { state }) },
  }, el("span", { text }), icon("close")));
  const each = (name, text) => query.getAll(name).map((value) => chip(text(value), toggled(query, name, value)));
  return [
    ...each("category", (value) => value.split(">").at(-1).trim()),
    ...each("min_price", (value) => say("filters.over", { price: price(Number(value)) })),
    ...each("max_price", (value) => say("filters.under", { price: price(Number(value)) })),
    ...each("brand", (value) => value),
    ...each("attribute", (value) => `${attributeName(value.split(":")[0])}: ${value.slice(value.indexOf(":") + 1)}`),
    ...each("hide_adult", () => say("filters.hideAdult")),
  ];
}
