"""Which rows pass the filters, and how many products each further filter would leave."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from eclip.search.codes import AttributeValues, CategoryTree, Mask, NameCodes, attribute_values
from eclip.search.query import Filters
from eclip.search.results import CategoryCount, Facet, Facets, FacetValue

MAX_FACETS = 40  # attributes counted: those that most listings have
MAX_FACET_VALUES = 100  # of one attribute
FILTER_COLUMNS = ("category", "price", "brand", "attributes", "policy")

_KEPT_BYTES, _KEPT_MOST = 64 << 20, 64  # of selections that were asked for lately
_ADULT = "adult"


class FilterTable:
    """The columns of a store that are filtered by, as numbers; safe to use from many threads.

    Args:
        table: With `FILTER_COLUMNS`, corrections applied.
        groups: [N] the product of each row, numbered from 0.
    """

    def __init__(self, table: pa.Table, groups: npt.NDArray[np.int64]) -> None:
        self.groups = groups
        self.num_groups = int(groups.max()) + 1 if len(groups) else 0
        self.categories = CategoryTree.of(table["category"])
        self.brands = NameCodes.of(table["brand"])
        self.attributes = attribute_values(table["attributes"], groups)
        self.prices = np.asarray(pc.fill_null(table["price"], np.nan), dtype=np.float64)
        self.adult: Mask = np.asarray(pc.fill_null(pc.equal(table["policy"], _ADULT), fill_value=False))
        self._kept: OrderedDict[tuple[object, ...], Selection] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def num_rows(self) -> int:
        """Listings."""
        return len(self.groups)

    def select(self, filters: Filters) -> Selection:
        """The rows that pass; what was asked for lately is remembered."""
        with self._lock:
            found = self._kept.get(filters.key)
            if found is not None:
                self._kept.move_to_end(filters.key)
                return found
        found = Selection(self, filters, self._masks(filters))
        with self._lock:
            self._kept[filters.key] = found
            while len(self._kept) > max(1, min(_KEPT_MOST, _KEPT_BYTES // max(1, self.num_rows))):
                self._kept.popitem(last=False)
        return found

    def _masks(self, filters: Filters) -> dict[str, Mask]:
        """What each filter that is given lets pass, by the name of its facet."""
        masks: dict[str, Mask] = {}
        if filters.category:
            masks["category"] = self.categories.mask(filters.category)
        if filters.min_price is not None or filters.max_price is not None:
            least, most = filters.min_price, filters.max_price
            masks["price"] = self.prices >= (0 if least is None else least)  # no number fails
            if most is not None:
                masks["price"] &= self.prices <= most
        if filters.brands:
            masks["brand"] = self.brands.mask(filters.brands)
        if filters.hide_adult:
            masks["adult"] = ~self.adult
        for name, values in filters.attributes.items():
            if values:
                known = self.attributes.get(name)
                nobody = np.zeros(self.num_rows, dtype=bool)
                masks[f"attribute {name}"] = nobody if known is None else known.mask(values, self.num_rows)
        return masks


@dataclass(frozen=True)
class Selection:
    """The rows that pass some filters, and what can be counted among them."""

    table: FilterTable
    filters: Filters
    masks: dict[str, Mask]
    _kept: dict[str, Any] = field(default_factory=dict)

    def kept(self, name: str, made: Callable[[Mask | None], Any]) -> Any:
        """What an index makes of the mask, made once."""
        if name not in self._kept:
            self._kept[name] = made(self.mask)
        return self._kept[name]

    @cached_property
    def mask(self) -> Mask | None:
        """Rows [N] that pass; None where nothing is filtered."""
        return self._without("")

    @cached_property
    def num_rows(self) -> int:
        """Listings that pass."""
        return self.table.num_rows if self.mask is None else int(np.count_nonzero(self.mask))

    @cached_property
    def num_products(self) -> int:
        """Products one of whose listings passes."""
        return self.table.num_groups if self.mask is None else self._num_groups(self.mask)

    @cached_property
    def facets(self) -> Facets:
        """Counts of products under each further choice."""
        table = self.table
        under, priced = self._without("category"), table.prices[_rows(self._without("price"), table.num_rows)]
        priced = priced[np.isfinite(priced)]
        adult = table.adult if (others := self._without("adult")) is None else table.adult & others
        return Facets(
            categories=self._category_counts(under),
            brands=self._brand_counts(self._without("brand")),
            attributes=[self._attribute_facet(name, column) for name, column in self._counted_attributes()],
            price=(float(priced.min()), float(priced.max())) if len(priced) else None,
            adult=self._num_groups(adult),
        )

    def _without(self, name: str) -> Mask | None:
        """What passes all filters but one."""
        others = [mask for other, mask in self.masks.items() if other != name]
        return reduce(np.logical_and, others) if others else None

    def _num_groups(self, mask: Mask) -> int:
        seen = np.zeros(self.table.num_groups, dtype=bool)
        seen[self.table.groups[mask]] = True
        return int(np.count_nonzero(seen))

    def _category_counts(self, mask: Mask | None) -> list[CategoryCount]:
        """Of the children of the filtered category; those without a product are left out."""
        tree, path = self.table.categories, self.filters.category
        children = tree.children(path)
        if not children:
            return []
        # Category codes are in depth-first order: the child that a code lies below is the last that starts before it.
        start, end = tree.subtree(path) or (0, 0) if path else (0, len(tree.paths))
        rows = _rows(mask, self.table.num_rows)
        codes = tree.codes[rows]
        below = (codes >= children[0]) & (codes >= start) & (codes < end)
        of_child = np.searchsorted(np.array(children), codes[below], side="right") - 1
        counts = _distinct_counts(of_child, self.table.groups[rows[below]], len(children), self.table.num_groups)
        found = [
            CategoryCount(tree.paths[code][-1], list(tree.paths[code]), int(count))
            for code, count in zip(children, counts, strict=True)
            if count
        ]
        return sorted(found, key=lambda each: -each.count)

    def _brand_counts(self, mask: Mask | None) -> list[FacetValue]:
        brands = self.table.brands
        rows = _rows(mask, self.table.num_rows)
        rows = rows[brands.codes[rows] >= 0]
        counts = _distinct_counts(brands.codes[rows], self.table.groups[rows], len(brands.names), self.table.num_groups)
        return _most_first(brands.names, counts, brands.chosen(self.filters.brands))

    def _counted_attributes(self) -> list[tuple[str, AttributeValues]]:
        """The most frequent ones, and those that are filtered by."""
        pairs = list(self.table.attributes.items())
        return pairs[:MAX_FACETS] + [pair for pair in pairs[MAX_FACETS:] if pair[0] in self.filters.attributes]

    def _attribute_facet(self, name: str, column: AttributeValues) -> Facet:
        mask = self._without(f"attribute {name}")
        passing = np.arange(len(column.rows)) if mask is None else np.flatnonzero(mask[column.rows])
        codes, groups = column.values.codes[passing], self.table.groups[column.rows[passing]]
        # Pairs lie by value, then by product: a product counts where it comes first.
        is_first = np.ones(len(codes), dtype=bool)
        is_first[1:] = (codes[1:] != codes[:-1]) | (groups[1:] != groups[:-1])
        counts = np.bincount(codes[is_first], minlength=len(column.values.names))
        chosen = column.values.chosen(self.filters.attributes.get(name, ()))
        return Facet(name, _most_first(column.values.names, counts, chosen))


def _rows(mask: Mask | None, num_rows: int) -> npt.NDArray[np.int64]:
    return np.arange(num_rows) if mask is None else np.flatnonzero(mask)


def _distinct_counts(
    codes: npt.NDArray[np.integer], groups: npt.NDArray[np.int64], num_codes: int, num_groups: int
) -> npt.NDArray[np.int64]:
    """How many different groups stand beside each code, [num_codes]."""
    pairs = np.unique(codes.astype(np.int64) * max(num_groups, 1) + groups)
    return np.bincount(pairs // max(num_groups, 1), minlength=num_codes)


def _most_first(names: list[str], counts: npt.NDArray[np.int64], chosen: list[int]) -> list[FacetValue]:
    """Values that some product has, and those that are filtered by, the most frequent first; equal ones by name."""
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda code: (-counts[code], names[code]))
    shown = order[:MAX_FACET_VALUES]
    shown += [code for code in chosen if code not in set(shown)]
    return [FacetValue(names[code], int(counts[code])) for code in shown]
