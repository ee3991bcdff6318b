"""What goes with a product: what stands beside it in the baskets or outfits that the feed names."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eclip.errors import ConfigError
from eclip.search.codes import AttributeValues, Mask
from eclip.search.exact import Rows
from eclip.search.filtering import FilterTable

TOGETHER = ("outfit", "basket")  # attributes whose values name what was worn, bought or shown together
MAX_TOGETHER = 500  # listings of one basket; a larger one says nothing of what goes with what


def names_baskets(table: FilterTable) -> bool:
    """Whether the feed says what goes with what."""
    return any(name in table.attributes for name in TOGETHER)


def complementary_rows(
    table: FilterTable, members: npt.NDArray[np.int64], mask: Mask | None
) -> tuple[Rows, npt.NDArray[np.float32]]:
    """One row of each product that shares an outfit or a basket with some listings, and its score; best first.

    The score is the cosine of co-occurrence, shared / sqrt(own x other's), 0..1: shared baskets weigh less for a
    product that is in all of them.

    Args:
        table: Of the store.
        members: Rows of the product that is asked for.
        mask: Rows [N] that may be found; None = all.

    Raises:
        ConfigError: The feed names neither outfits nor baskets.
    """
    if not names_baskets(table):
        raise ConfigError(
            f"the feed names no {' or '.join(TOGETHER)} of products; give them as an attribute, or ask for similar ones"
        )
    columns = [table.attributes[name] for name in TOGETHER if name in table.attributes]
    own = table.groups[members[0]]
    shared: dict[int, float] = {}
    shown: dict[int, int] = {}
    num_own = 0
    for column in columns:
        for code in np.unique(column.values.codes[np.isin(column.rows, members)]):
            rows = column.rows[column.starts[code] : column.starts[code + 1]]
            if len(rows) > MAX_TOGETHER:
                continue
            num_own += 1
            for group in np.unique(table.groups[rows]):
                shared[int(group)] = shared.get(int(group), 0) + 1
            for row in rows if mask is None else rows[mask[rows]]:
                shown[int(table.groups[row])] = min(int(row), shown.get(int(table.groups[row]), int(row)))
    found = [group for group in shown if group != own]
    counts = _num_baskets(columns, table.groups, found)
    scores = np.array([shared[group] / np.sqrt(num_own * count) for group, count in zip(found, counts, strict=True)])
    rows = np.array([shown[group] for group in found], dtype=np.int64)
    order = np.lexsort((rows, -scores))
    return np.asarray(rows[order], dtype=np.int64), scores[order].astype(np.float32)


def _num_baskets(columns: list[AttributeValues], groups: npt.NDArray[np.int64], wanted: list[int]) -> list[int]:
    """In how many baskets each of these products is; those that are too large count for nothing here either."""
    counts = dict.fromkeys(wanted, 0)
    for column in columns:
        sizes = np.diff(column.starts)
        near = np.isin(groups[column.rows], wanted) & (sizes[column.values.codes] <= MAX_TOGETHER)
        pairs = np.unique(np.stack([groups[column.rows[near]], column.values.codes[near]]), axis=1)
        for group in pairs[0]:
            counts[int(group)] += 1
    return [counts[group] for group in wanted]
