// Where a person is: the address of the page says it whole, so that links, back and forward work.

const listeners = [];
export const FILTERS = ["category", "min_price", "max_price", "brand", "attribute", "hide_adult"];

/** The place that the address names: a view, and the query of a search. */
export function here() {
  const given = new URL(location.href).searchParams;
  const query = new URLSearchParams();
  for (const [name, value] of given) if ((name === "q" || FILTERS.includes(name)) && value !== "") query.append(name, value);
  const productId = given.get("product");
  const view = productId !== null ? "product" : ["map", "review"].includes(given.get("view")) ? given.get("view") : "search";
  return { view, productId, query, task: given.get("task"), state: history.state || {} };
}

/** The address of a search. */
export const searchAddress = (query) => (query.size ? `/?${query}` : "/");

/** The address of a product. */
export const productAddress = (productId) => `/?${new URLSearchParams({ product: productId })}`;

/**
 * Goes to an address of this page.
 * @param {object} options replace: in place of the present entry of the history; state: kept with the entry
 */
export function go(address, { replace = false, state = {} } = {}) {
  history[replace ? "replaceState" : "pushState"](state, "", address);
  tell({ moved: !replace });
}

export const onPlace = (listen) => listeners.push(listen);

function tell(how) {
  for (const listen of listeners) listen(here(), how);
}

/** Follows links within the page without loading it again, and the browser's back and forward. */
export function watchPlace() {
  window.addEventListener("popstate", () => tell({ moved: true, back: true }));
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a[href]");
    if (!link || link.target || link.origin !== location.origin || link.pathname !== "/" || link.hash) return;
    event.preventDefault();
    go(link.pathname + link.search, { state: link.entry ?? {} });
  });
}
