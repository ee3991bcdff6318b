// Builds elements. Titles and names of a feed are untrusted: they become text, never markup.

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  camera: "M4 8a2 2 0 0 1 2-2h2l1.5-2h5L16 6h2a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zM15.3 12.3a3.3 3.3 0 1 1-6.6 0 3.3 3.3 0 0 1 6.6 0z",
  search: "M16.5 10.5a6 6 0 1 1-12 0 6 6 0 0 1 12 0zM15 15l5 5",
  close: "M6 6l12 12M18 6L6 18",
  filter: "M4 6h16M7 12h10M10 18h4",
  check: "M5 12.5l4.5 4.5L19 7.5",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  right: "M9 5l7 7-7 7",
  left: "M15 5l-7 7 7 7",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  home: "M5 12l7-7 7 7M7 10v9h10v-9",
  external: "M14 5h5v5M19 5l-8 8M17 14v5H5V7h5",
};

/**
 * An element with its properties and children.
 * `text` is its text, `class` its classes, `data` its data attributes, `on` its listeners, everything else an attribute;
 * false, null and undefined leave an attribute or a child out.
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "text") element.textContent = value;
    else if (name === "class") element.className = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "on") for (const [event, listen] of Object.entries(value)) element.addEventListener(event, listen);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== false && child !== null && child !== undefined));
  return element;
}

/** A decorative icon; what it means is said by the text or the label of what holds it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export const find = (id) => document.getElementById(id);

/** Tells a screen reader what has changed, without moving the focus. */
export function announce(text) {
  find("announce").textContent = text;
}

/** Lays out anew what `make` makes, and gives the focus back to the element of the same `data-key`. */
export function renew(parent, ...children) {
  const held = parent.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  parent.replaceChildren(...children.flat().filter(Boolean));
  if (held === undefined) return;
  const again = [...parent.querySelectorAll("[data-key]")].find((each) => each.dataset.key === held);
  (again || parent.querySelector("a, button, input"))?.focus({ preventScroll: true });
}

/** The address of a listing, if it is one that a browser may open; anything else (javascript:, data:) is none. */
export function safeAddress(url) {
  try {
    const parsed = new URL(url);
    return parsed.protocol === "https:" || parsed.protocol === "http:" ? parsed.href : null;
  } catch {
    return null;
  }
}
