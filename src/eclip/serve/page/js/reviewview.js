// The review queue: one answer at a time, the least certain first; accept it, correct it, or pass it over.

import * as api from "./api.js";
import { framedPicture } from "./card.js";
import { reviewer, rememberReviewer, valueField } from "./correction.js";
import { announce, el, renew } from "./dom.js";
import { attributeName } from "./filters.js";
import { percent, say, sayIfKnown } from "./language.js";
import { go, productAddress } from "./place.js";

const TASKS = ["category", "attributes", "matching", "adult"];
const AT_ONCE = 30;

export default class ReviewView {
  constructor() {
    this.task = TASKS[0];
    this.sending = Promise.resolve();
    this.queues = new Map(); // task -> {items, at, said}
    this.heading = el("h1");
    this.note = el("p", { class: "soft" });
    this.tabs = el("div", { class: "tabs" });
    this.name = el("label", { class: "reviewer" });
    this.body = el("div", { class: "review-body" });
    this.element = el("div", { class: "review-view" }, this.heading, this.note, el("div", { class: "review-head" }, this.tabs, this.name), this.body);
    this.element.addEventListener("keydown", (event) => this.keyed(event));
  }

  title() {
    return say("title.review");
  }

  get queue() {
    return this.queues.get(this.task);
  }

  async show(place) {
    this.task = TASKS.includes(place.task) ? place.task : TASKS[0];
    this.lay();
    if (this.queue) return;
    const task = this.task;
    renew(this.body, el("p", { class: "status", text: say("review.loading") }));
    try {
      const { items } = await api.review(task, AT_ONCE);
      this.queues.set(task, { items, at: 0, said: new Map() });
      if (task === this.task) this.lay();
    } catch (fault) {
      if (task === this.task) renew(this.body, el("div", { class: "notice", role: "alert", text: fault.message }));
    }
  }

  lay() {
    this.heading.textContent = say("title.review");
    this.note.textContent = say("review.note");
    this.tabs.setAttribute("role", "group");
    this.tabs.setAttribute("aria-label", say("review.tasks"));
    renew(this.tabs, TASKS.map((task) => el("button", {
      type: "button", "aria-pressed": String(task === this.task), data: { key: `task:${task}` }, text: say(`review.task.${task}`),
      on: { click: () => go(`/?${new URLSearchParams({ view: "review", task })}`) },
    })));
    const input = el("input", { type: "text", value: reviewer(), maxlength: 80, on: { change: (event) => rememberReviewer(event.target.value.trim()) } });
    this.name.replaceChildren(el("span", { text: say("review.by") }), input);
    if (this.queue) this.layItem();
  }

  layItem({ focus = false } = {}) {
    const { items, at, said } = this.queue;
    if (at >= items.length) return this.layEnd(items.length);
    const item = items[at];
    const decided = said.get(at);
    const title = item.title || say("card.untitled");
    const link = el("a", { href: productAddress(item.product_id), text: title });
    renew(this.body, el("div", { class: "progress" }, this.bar(at, items.length), el("span", { class: "small", text: say("review.progress", { at: at + 1, of: items.length }) })),
      el("article", { class: "doubt", tabindex: -1, "aria-label": title },
        framedPicture(item.image_url, { lazy: false, alt: say("card.pictureOf", { title }) }),
        el("div", { class: "doubt-about" },
          el("h2", {}, link),
          item.other && this.other(item.other),
          el("p", {}, el("span", { class: "soft", text: `${fieldName(item.field)}: ` }), el("strong", { class: "answer", text: shownValue(item.field, item.value) }),
            el("span", { class: "soft", text: ` ${say("review.sure", { percent: percent(item.confidence) })}` })),
          item.reason && el("p", { class: "soft", text: item.reason }),
          item.given && item.given !== item.value && el("p", { class: "soft", text: say("review.given", { value: shownValue(item.field, item.given) }) }),
          decided !== undefined && el("p", { class: "decided", text: say("review.decided", { value: shownValue(item.field, decided) }) }),
          this.choices(item), this.freeValue(item), this.buttons(),
          el("p", { class: "fault", role: "alert" }))),
      el("p", { class: "soft small keys", text: say("review.keys") }));
    if (focus) this.body.querySelector(".doubt").focus({ preventScroll: true });
  }

  /** The listing that this one may be the same product as. */
  other({ product_id: id, title, image_url: address }) {
    return el("p", { class: "compared" }, framedPicture(address, { lazy: false }),
      el("span", {}, el("span", { class: "soft small", text: say("review.compared") }), el("br"), el("a", { href: productAddress(id), text: title || say("card.untitled") })));
  }

  bar(at, total) {
    const bar = el("span", { class: "bar-track", "aria-hidden": "true" }, el("span"));
    bar.firstChild.style.inlineSize = `${(100 * at) / total}%`;
    return bar;
  }

  choices(item) {
    const rows = item.choices.slice(0, 9).map((choice, index) => el("li", {}, el("button", {
      type: "button", class: choice.value === item.value ? "choice proposed" : "choice", data: { key: `choice:${index}` }, on: { click: () => this.decide(choice.value) },
    }, el("kbd", { text: index + 1 }), el("span", { text: shownValue(item.field, choice.value) }),
    choice.confidence !== null && choice.confidence !== undefined && el("span", { class: "count", text: percent(choice.confidence) }))));
    return rows.length ? el("ul", { class: "doubt-choices" }, rows) : null;
  }

  freeValue(item) {
    if (item.field === "catalog_id" || item.field === "policy") return null; // the choices are all there are
    const field = valueField(item.field, "", say("review.anotherValue"));
    const form = el("form", { class: "free" }, el("span", { class: "soft", text: say("review.anotherValue") }), field, el("button", { type: "submit", text: say("review.correct") }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (field.value.trim()) this.decide(field.value.trim());
    });
    return form;
  }

  buttons() {
    const press = (key, text, act, className) => el("button", { type: "button", class: className, data: { key }, on: { click: act } }, text);
    return el("div", { class: "doubt-buttons" },
      press("accept", say("review.accept"), () => this.decide(this.queue.items[this.queue.at].value), "main"),
      press("skip", say("review.skip"), () => this.step(1)),
      this.queue.at > 0 && press("back", say("review.back"), () => this.step(-1)));
  }

  step(by) {
    this.queue.at = Math.max(0, this.queue.at + by);
    this.layItem({ focus: true });
  }

  /** Goes on at once; what was said is sent meanwhile, one after the other. Where it is refused, the item comes back. */
  decide(value) {
    const { queue } = this;
    const { at } = queue;
    const item = queue.items[at];
    queue.said.set(at, value);
    announce(say("review.decided", { value: shownValue(item.field, value) }));
    this.step(1);
    this.sending = this.sending.then(() => api.correct(item.product_id, item.field, value, reviewer())).catch((fault) => {
      queue.said.delete(at);
      if (queue !== this.queue || !this.element.isConnected) return;
      queue.at = at;
      this.layItem({ focus: true });
      this.body.querySelector(".fault").textContent = fault.message;
    });
  }

  layEnd(total) {
    const again = () => {
      this.queues.delete(this.task);
      this.show({ task: this.task });
    };
    renew(this.body, el("div", { class: "nothing" }, el("p", { class: "large", text: say(total ? "review.end" : "review.empty") }),
      total > 0 && el("p", { text: say("review.endCount", { count: this.queue.said.size }) }),
      el("button", { type: "button", class: "main", text: say("review.again"), on: { click: again } })));
  }

  /** Single keys count while the focus is inside the item, not while one writes. */
  keyed(event) {
    if (!event.target.closest(".doubt") || event.target.closest("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const item = this.queue?.items[this.queue.at];
    if (!item) return;
    const keys = { a: () => this.decide(item.value), s: () => this.step(1), b: () => this.step(-1), e: () => this.body.querySelector(".free input")?.focus() };
    const act = keys[event.key.toLowerCase()] ?? (item.choices[Number(event.key) - 1] && (() => this.decide(item.choices[Number(event.key) - 1].value)));
    if (!act) return;
    event.preventDefault();
    act();
  }
}

const fieldName = (field) => (field.startsWith("attributes.") ? attributeName(field.slice("attributes.".length)) : say(`field.${field}`));

function shownValue(field, value) {
  if (field === "policy") return sayIfKnown(`policy.${value || "none"}`, value);
  if (field === "catalog_id") return say(value ? "review.same" : "review.different");
  return value.replaceAll("|", ", ") || say("product.unknown");
}
