"""Listings as a shop shows them: what a person said of one wins over its feed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eclip.products.corrections import ATTRIBUTE_PREFIX, category_path, corrected_values, latest_corrections

_PLAIN_FIELDS = ("policy", "catalog_id")
CORRECTED = "corrected"  # the reason of a catalog that a person named


def corrected_table(table: pa.Table, corrections: pa.Table) -> pa.Table:
    """The same rows with their corrections.

    Args:
        table: With `product_id`, and any of the columns that people may correct.
        corrections: In `CORRECTIONS_SCHEMA`; listings that the table lacks are passed over.
    """
    said = latest_corrections(corrections)
    if not said:
        return table
    mask = pc.is_in(table["product_id"], pa.array(list(said), pa.string())).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(mask)
    records = [corrected_record(each, said[each["product_id"]]) for each in table.take(rows).to_pylist()]
    places = np.arange(table.num_rows)
    places[rows] = table.num_rows + np.arange(len(rows))
    return pa.concat_tables([table, pa.Table.from_pylist(records, schema=table.schema)]).take(places)


def corrected_record(record: Mapping[str, Any], said: Mapping[str, str | None]) -> dict[str, Any]:
    """One listing with what was said of it; fields that the record lacks stay away.

    Args:
        record: Of the store; its attributes as pairs of a name and values.
        said: Field of the corrections table -> value; None = the listing has none.
    """
    told = dict(record)
    for name, value in said.items():
        if name == "category" and "category" in told:
            told["category"] = list(category_path(value)) or None
        elif name in _PLAIN_FIELDS and name in told:
            told[name] = value or None
        elif name.startswith(ATTRIBUTE_PREFIX) and "attributes" in told:
            attribute, values = name.removeprefix(ATTRIBUTE_PREFIX), list(corrected_values(value))
            others = [pair for pair in told["attributes"] or () if pair[0] != attribute]
            told["attributes"] = [*others, *([(attribute, values)] if values else [])] or None
    if "catalog_reason" in told and "catalog_id" in said:
        told["catalog_reason"] = CORRECTED if said["catalog_id"] else None
    return told
