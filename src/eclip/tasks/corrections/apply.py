"""Corrections over a catalogue: what a person said of a listing wins over what its feed said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from eclip.products.corrections import ATTRIBUTE_PREFIX, category_path, corrected_values, latest_corrections

if TYPE_CHECKING:
    from eclip.products.store import Store
    from eclip.tasks.catalogue import Catalogue


def corrected(
    catalogue: Catalogue,
    corrections: Mapping[str, Mapping[str, str | None]],
    *,
    inferred_catalogs: Sequence[str | None] = (),
) -> Catalogue:
    """The same listings with their corrections; the catalogue itself stays as it is.

    Who says that a listing is of a catalog that no feed named, but `eclip prepare` found, has looked at that catalog:
    its other listings are then known to be of it, too. Otherwise the correction would stand alone, and teach nothing.

    Args:
        catalogue: As the feed told it.
        corrections: Product id -> field -> value; None = the listing has none. Ids that the catalogue lacks are
            passed over: they may come with a later feed.
        inferred_catalogs: [N] catalogs that `prepare` found, given ones among them; () = none.
    """
    if not corrections:
        return catalogue
    categories, attributes = list(catalogue.categories), list(catalogue.attributes)
    policies, catalog_ids = catalogue.policies.copy(), catalogue.catalog_ids.copy()
    for row, product_id in enumerate(catalogue.product_ids):
        for name, value in corrections.get(product_id, {}).items():
            if name == "category":
                categories[row] = category_path(value)
            elif name == "policy":
                policies[row] = value or None
            elif name == "catalog_id":
                catalog_ids[row] = value or None
            elif name.startswith(ATTRIBUTE_PREFIX):
                attributes[row] = _with_attribute(attributes[row], name.removeprefix(ATTRIBUTE_PREFIX), value)
    confirmed = {value for fields in corrections.values() if (value := fields.get("catalog_id"))}
    for row, inferred in enumerate(inferred_catalogs):
        said = corrections.get(catalogue.product_ids[row], {})
        if inferred in confirmed and catalog_ids[row] is None and "catalog_id" not in said:
            catalog_ids[row] = inferred
    return replace(catalogue, categories=categories, attributes=attributes, policies=policies, catalog_ids=catalog_ids)


def store_catalogs(store: Store) -> list[str | None]:
    """The catalog of each listing of a store: what a person said, else what the feed said or `prepare` found."""
    said = latest_corrections(store.corrections())
    table = store.table(["product_id", "catalog_id"])
    listed = zip(table["product_id"].to_pylist(), table["catalog_id"].to_pylist(), strict=True)
    return [said.get(product_id, {}).get("catalog_id", given) for product_id, given in listed]


def _with_attribute(
    attributes: Mapping[str, tuple[str, ...]], name: str, value: str | None
) -> dict[str, tuple[str, ...]]:
    """Attributes with these values of one, or without it."""
    others = {other: values for other, values in attributes.items() if other != name}
    values = corrected_values(value)
    return others | {name: values} if values else others
