// The map of the shop: what looks and reads alike lies together.

import * as api from "./api.js";
import { Camera, inSight, nearest } from "./camera.js";
import { card, framedPicture } from "./card.js";
import { announce, el, icon, renew } from "./dom.js";
import { number, say } from "./language.js";
import { MapDrawing } from "./mapdraw.js";
import { watchGestures } from "./mapgestures.js";
import { categoryGroups } from "./mapgroups.js";
import { go, productAddress } from "./place.js";

const REACH_PIXELS = 28;
const FLIGHT_MS = 600;
const GLIDE_MS = 1500;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const NEIGHBOURS = 12;
const BETTER_AFTER_MS = 4000; // between two looks whether the better plane is drawn
const MOST_LOOKS = 45;

export default class MapView {
  constructor() {
    this.points = null;
    this.groups = [];
    this.chosen = null;
    this.marked = null;
    this.camera = new Camera();
    this.canvas = el("canvas", { tabindex: 0, role: "application" });
    this.drawing = new MapDrawing(this.canvas, () => this.redraw());
    this.tip = el("a", { class: "map-tip", hidden: true, tabindex: -1 });
    this.legend = el("ul", { class: "legend" });
    this.note = el("p", { class: "soft" });
    this.heading = el("h1");
    this.buttons = el("div", { class: "map-buttons" });
    this.near = el("section", { class: "near" });
    this.frame = el("div", { class: "map-frame" }, this.canvas, this.buttons, this.tip);
    this.fault = el("div", { class: "notice", role: "alert", hidden: true });
    this.element = el("div", { class: "map-view" }, el("div", { class: "map-head" }, this.heading, this.note), this.fault,
      el("div", { class: "map-body" }, this.frame, this.legend), this.near);
    this.watch();
  }

  title() {
    return say("title.map");
  }

  async show() {
    this.lay();
    if (this.points) return this.redraw();
    try {
      const answer = await api.map();
      this.take(answer);
      Object.assign(this.camera, this.camera.whole());
      this.lay();
      this.redraw();
      if (!answer.final) setTimeout(() => this.better(answer.method, MOST_LOOKS), BETTER_AFTER_MS);
    } catch (fault) {
      this.fault.textContent = fault.message;
      this.fault.hidden = false;
    }
  }

  take({ points }) {
    this.groups = categoryGroups(points);
    this.points = spread(points);
    this.fault.hidden = true;
  }

  /** Moves the points over to the better plane once the service has drawn it. */
  async better(method, looks) {
    if (!this.element.isConnected) return void (this.points = null); // asked anew when one comes back
    const answer = await api.map().catch(() => null);
    if (answer?.method !== method && answer) return this.glide(answer);
    if (!answer?.final && looks > 1) setTimeout(() => this.better(method, looks - 1), BETTER_AFTER_MS);
  }

  glide(answer) {
    const before = new Map(this.points.map((point) => [point.product_id, point]));
    this.take(answer);
    const ways = this.points.map((point) => [point, before.get(point.product_id) ?? point, point.x, point.y]).map(([point, { x, y }, toX, toY]) => [point, x, y, toX, toY]);
    const begin = performance.now();
    const step = (now) => {
      const share = STILL.matches ? 1 : Math.min(1, Math.max(0, now - begin) / GLIDE_MS);
      const eased = 1 - (1 - share) ** 3;
      for (const [point, x, y, toX, toY] of ways) [point.x, point.y] = [x + (toX - x) * eased, y + (toY - y) * eased];
      this.moved();
      if (share < 1) requestAnimationFrame(step);
      else this.lay();
    };
    this.mark(null);
    requestAnimationFrame(step);
  }

  leave() {
    this.tip.hidden = true;
  }

  lay() {
    this.heading.textContent = say("title.map");
    this.note.textContent = this.points ? say("map.note", { count: this.points.length }) : say("map.loading");
    this.canvas.setAttribute("aria-label", say("map.label"));
    const button = (name, text, press) => el("button", { type: "button", "aria-label": text, title: text, on: { click: press } }, icon(name));
    this.buttons.replaceChildren(
      button("plus", say("map.closer"), () => this.zoom(2)),
      button("minus", say("map.farther"), () => this.zoom(0.5)),
      button("home", say("map.whole"), () => this.fly(this.camera.whole())));
    renew(this.legend, this.groups.map((group, index) => this.legendItem(group, index)));
    this.legend.setAttribute("aria-label", say("map.legend"));
    if (this.points) this.layNear();
  }

  legendItem(group, index) {
    const dot = el("span", { class: "dot", "aria-hidden": "true" });
    dot.style.backgroundColor = `var(--hue-${group.hue})`;
    return el("li", {}, el("button", {
      type: "button", class: "bare", "aria-pressed": String(this.chosen === index), data: { key: `group:${index}` }, on: { click: () => this.choose(index) },
    }, dot, el("span", { text: group.name ?? say("map.others") }), el("span", { class: "count", text: number(group.count) })));
  }

  choose(index) {
    this.chosen = this.chosen === index ? null : index;
    this.lay();
    const members = this.points.filter((point) => point.group === index);
    this.fly(this.chosen === null ? this.camera.whole() : around(members, this.camera));
  }

  watch() {
    new ResizeObserver(() => {
      this.camera.resize(this.frame.clientWidth, this.frame.clientHeight);
      this.redraw();
    }).observe(this.frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
    this.canvas.addEventListener("focus", () => this.redraw());
    this.canvas.addEventListener("blur", () => this.redraw());
    watchGestures(this.canvas, {
      pan: (right, down) => { this.camera.pan(right, down); this.moved(); },
      zoom: (factor, left, top) => { this.camera.zoom(factor, left, top); this.moved(); },
      whole: () => this.fly(this.camera.whole()),
      point: (left, top) => this.point(left, top),
      leave: () => this.mark(null),
      tap: (left, top, byTouch) => this.tap(left, top, byTouch),
      open: () => this.open(this.middle()),
      keyed: () => this.mark(this.middle(), { aloud: true }),
    });
  }

  zoom(factor) {
    const { x, y, scale } = this.camera;
    this.fly({ x, y, scale: scale * factor });
  }

  fly(to) {
    cancelAnimationFrame(this.flight);
    this.mark(null);
    const from = { x: this.camera.x, y: this.camera.y, scale: this.camera.scale };
    const begin = performance.now();
    const step = (now) => {
      const share = STILL.matches ? 1 : Math.min(1, Math.max(0, now - begin) / FLIGHT_MS);
      this.camera.between(from, to, share);
      this.moved();
      if (share < 1) this.flight = requestAnimationFrame(step);
    };
    this.flight = requestAnimationFrame(step);
  }

  moved() {
    this.tip.hidden = true;
    this.redraw();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.settle(), 250);
  }

  redraw() {
    if (this.drawn || !this.points || !this.element.isConnected) return;
    this.drawn = requestAnimationFrame(() => {
      this.drawn = 0;
      const style = getComputedStyle(this.element);
      const colours = this.groups.map(({ hue }) => style.getPropertyValue(`--hue-${hue}`));
      const crosshair = this.canvas.matches(":focus-visible");
      this.drawing.draw(this.points, this.camera, { colourOf: (group) => colours[group], chosen: this.chosen, marked: this.marked, crosshair });
    });
  }

  /** The points that can be pointed at. */
  active() {
    const bright = this.chosen === null ? this.points : this.points.filter((point) => point.group === this.chosen);
    return inSight(bright ?? [], this.camera);
  }

  middle() {
    return nearest(this.active(), this.camera, this.camera.width / 2, this.camera.height / 2);
  }

  point(left, top) {
    const found = nearest(this.active(), this.camera, left, top, REACH_PIXELS);
    if (found !== this.marked) this.mark(found);
    this.canvas.classList.toggle("pointing", found !== null);
  }

  tap(left, top, byTouch) {
    const found = nearest(this.active(), this.camera, left, top, REACH_PIXELS);
    if (byTouch) this.mark(found); // the first touch tells what it is; the card then leads there
    else this.open(found);
  }

  open(point) {
    if (point) go(productAddress(point.product_id));
  }

  mark(point, { aloud = false } = {}) {
    this.marked = point;
    this.redraw();
    this.tip.hidden = !point;
    if (!point) return;
    const [left, top] = this.camera.toScreen(point.x, point.y);
    const title = point.title || say("card.untitled");
    this.tip.href = productAddress(point.product_id);
    this.tip.replaceChildren(framedPicture(api.pictureAddress(point.product_id), { lazy: false }),
      el("span", { class: "tip-about" }, el("strong", { text: title }), el("span", { class: "soft small", text: (point.category || []).join(" › ") })));
    this.tip.classList.toggle("left", left > this.camera.width / 2);
    this.tip.classList.toggle("above", top > this.camera.height / 2);
    this.tip.style.setProperty("--left", `${left}px`);
    this.tip.style.setProperty("--top", `${top}px`);
    if (aloud) announce(`${title}. ${(point.category || []).join(", ")}`);
  }

  settle() {
    if (this.element.isConnected) this.layNear();
  }

  /** The listings in the middle as cards: the same neighbourhood for those who do not see the map. */
  layNear() {
    const { x, y } = this.camera;
    const found = this.active().map((point) => [(point.x - x) ** 2 + (point.y - y) ** 2, point]).sort((one, other) => one[0] - other[0]);
    renew(this.near, el("h2", { text: say("map.near") }), el("ol", { class: "cards" },
      found.slice(0, NEIGHBOURS).map(([, point]) => card({ ...point, image_url: api.pictureAddress(point.product_id) }))));
  }
}

/** Points moved and stretched into -1..1, the same in both directions; the outermost hundredth may lie beyond. */
function spread(points) {
  const reach = (name) => {
    const sorted = points.map((point) => point[name]).sort((one, other) => one - other);
    const [low, high] = [sorted[Math.floor(0.01 * (sorted.length - 1))] ?? 0, sorted[Math.ceil(0.99 * (sorted.length - 1))] ?? 0];
    return [(low + high) / 2, (high - low) / 2];
  };
  const [[middleX, reachX], [middleY, reachY]] = [reach("x"), reach("y")];
  const far = Math.max(reachX, reachY) || 1;
  return points.map((point) => ({ ...point, x: (point.x - middleX) / far, y: (middleY - point.y) / far }));
}

/** A camera that sees the inner nine tenths of some points. */
function around(points, camera) {
  const middle = (name) => points.map((point) => point[name]).sort((one, other) => one - other)[points.length >> 1];
  const [x, y] = [middle("x"), middle("y")];
  const far = points.map((point) => Math.max(Math.abs(point.x - x), Math.abs(point.y - y))).sort((one, other) => one - other);
  const reach = Math.max(far[Math.floor(0.9 * (far.length - 1))], 0.02);
  return { x, y, scale: Math.min(camera.width, camera.height) / 2 / reach * 0.9 };
}
