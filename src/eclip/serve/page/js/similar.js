// Products like one, or that go with it: two rows of cards, and how varied they are.

import * as api from "./api.js";
import { card, waitingCards } from "./card.js";
import { announce, el } from "./dom.js";
import { remember, recall, say } from "./language.js";

const COUNT = 12;
const VARIED = 0.5; // weight of difference among the products shown
const REMEMBERED = "eclip.varied";

export class SimilarProducts {
  constructor({ product_id: productId, has_complements: hasComplements }, signal) {
    this.productId = productId;
    this.signal = signal;
    this.rows = { similar: null, complements: null }; // null = not answered yet
    this.varied = recall(REMEMBERED) === "yes";
    this.element = el("div", { class: "similar" });
    this.ask("similar");
    if (hasComplements) this.ask("complements");
  }

  async ask(kind) {
    try {
      const diversity = kind === "similar" && this.varied ? VARIED : 0;
      this.rows[kind] = (await api.similar(this.productId, { kind, diversity, topK: COUNT, signal: this.signal })).hits;
    } catch (fault) {
      if (fault.name === "AbortError") return;
      this.rows[kind] = kind === "similar" ? fault : [];
    }
    this.lay();
  }

  lay() {
    const held = this.element.contains(document.activeElement);
    this.element.replaceChildren(...[this.row("complements"), this.row("similar")].filter(Boolean));
    if (held) this.element.querySelector("input")?.focus({ preventScroll: true });
  }

  row(kind) {
    const hits = this.rows[kind];
    if (kind === "complements" && !hits?.length) return null;
    const heading = el("div", { class: "row-head" }, el("h2", { text: say(`product.${kind}`) }), kind === "similar" && this.variedSwitch());
    if (hits instanceof Error) return el("section", {}, heading, el("p", { class: "soft", text: hits.message }));
    if (hits && !hits.length) return el("section", {}, heading, el("p", { class: "soft", text: say("product.nothingSimilar") }));
    return el("section", {}, heading, el("ol", { class: "cards" }, hits ? hits.map((hit) => card(hit)) : waitingCards(6)));
  }

  variedSwitch() {
    const box = el("input", { type: "checkbox", checked: this.varied });
    box.addEventListener("change", async () => {
      this.varied = box.checked;
      remember(REMEMBERED, this.varied ? "yes" : "no");
      await this.ask("similar");
      announce(say("product.similarAgain"));
    });
    return el("label", { class: "switch" }, box, el("span", { text: say("product.varied") }));
  }
}
