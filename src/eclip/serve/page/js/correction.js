// The small form that corrects one field of a listing, where the service takes corrections.

import * as api from "./api.js";
import { announce, el, icon } from "./dom.js";
import { recall, remember, say, sayIfKnown } from "./language.js";

const NAME = "eclip.reviewer";
const POLICIES = ["", "adult", "age-restricted", "sensitive"];

export const mayCorrect = () => document.body.dataset.mayCorrect === "yes";
export const reviewer = () => recall(NAME) || "page";
export const rememberReviewer = (name) => remember(NAME, name);

let knownCategories = null; // asked for once a form needs it

/** The categories to choose from, most used first: those of the map's points. */
export async function categories() {
  if (!knownCategories) {
    const counts = new Map();
    for (const { category } of (await api.map()).points) {
      if (category?.length) counts.set(category.join(" > "), (counts.get(category.join(" > ")) ?? 0) + 1);
    }
    knownCategories = [...counts].sort((one, other) => other[1] - one[1]).map(([path]) => path);
  }
  return knownCategories;
}

/** A field for a value of a listing: a choice of the policies, else free text with what is known to choose from. */
export function valueField(field, value, label) {
  if (field === "policy") {
    return el("select", { "aria-label": label }, POLICIES.map((each) => el("option", { value: each, selected: each === value, text: sayIfKnown(`policy.${each || "none"}`, each) })));
  }
  const input = el("input", { type: "text", value, "aria-label": label, maxlength: 500 });
  if (field !== "category") return input;
  const id = `known-${Math.random().toString(36).slice(2)}`;
  const list = el("datalist", { id });
  input.setAttribute("list", id);
  categories().then((known) => list.replaceChildren(...known.map((each) => el("option", { value: each })))).catch(() => { /* free text still works */ });
  const both = el("span", { class: "with-list" }, input, list);
  Object.defineProperty(both, "value", { get: () => input.value, set: (text) => { input.value = text; } });
  both.focusField = () => input.select();
  return both;
}

/**
 * A button that opens the form.
 * @param {object} options product, field ("category", "policy", "attributes.NAME"), name (as people call it), value, done
 */
export function correction({ product, field, name, value, done }) {
  const place = el("span", { class: "correction" });
  const close = () => {
    place.replaceChildren(button);
    button.focus();
  };
  const button = el("button", { type: "button", class: "bare", "aria-label": say("correct.open", { name }), title: say("correct.open", { name }), on: { click: open } }, icon("edit"));
  place.append(button);

  function open() {
    const input = valueField(field, value, say("correct.value", { name }));
    const fault = el("span", { class: "fault", role: "alert" });
    const form = el("form", { class: "correct-form" }, input,
      el("button", { type: "submit", class: "main", text: say("correct.save") }),
      el("button", { type: "button", text: say("correct.cancel"), on: { click: close } }), fault);
    form.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const save = form.querySelector("[type=submit]");
      save.disabled = true;
      try {
        await api.correct(product.product_id, field, input.value.trim(), reviewer());
        announce(say("correct.saved", { name }));
        await done();
      } catch (refused) {
        fault.textContent = refused.message;
        save.disabled = false;
      }
    });
    place.replaceChildren(form);
    (input.focusField ?? (() => input.focus()))();
  }
  return place;
}
