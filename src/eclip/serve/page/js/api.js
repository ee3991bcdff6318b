// The service, as the page asks it. Every fault becomes a Refused with one line that can be shown.

import { say } from "./language.js";

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function ask(path, { signal, method = "GET", body, headers = {} } = {}) {
  let response;
  try {
    response = await fetch(path, { signal, method, body, headers });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Refused(say("fault.offline"), 0);
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  if (response.status === 503 || response.status === 429) throw new Refused(say("fault.busy"), response.status);
  throw new Refused(answer?.error ?? say("fault.broken", { status: response.status }), response.status);
}

const pathOf = (productId) => encodeURIComponent(productId);

/**
 * Products for a query.
 * @param {URLSearchParams} query q and the filters, as the address of the page has them
 * @param {Blob|null} picture what is sought by its looks
 */
export function search(query, picture, { topK, offset, facets, signal }) {
  const fields = [...query, ["top_k", topK], ["offset", offset], ["facets", facets]];
  if (!picture) return ask(`/search?${new URLSearchParams(fields)}`, { signal });
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  form.append("picture", picture);
  return ask("/search", { method: "POST", body: form, signal });
}

export const product = (productId, signal) => ask(`/products/${pathOf(productId)}`, { signal });

export function similar(productId, { kind, diversity = 0, topK, signal }) {
  return ask(`/similar/${pathOf(productId)}?${new URLSearchParams({ kind, diversity, top_k: topK })}`, { signal });
}

export const pictureAddress = (productId) => `/products/${pathOf(productId)}/image`;

export const map = (signal) => ask("/map", { signal });

export const review = (task, topK, signal) => ask(`/review?${new URLSearchParams({ task, top_k: topK })}`, { signal });

/** What a person says of one field of a listing. */
export function correct(productId, field, value, source) {
  return ask("/corrections", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ product_id: productId, field, value, source }),
  });
}
