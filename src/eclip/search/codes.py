"""Names of a column as small numbers, one a row: what filters and facets compare in place of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]

_JOINT = "\x1f"  # between the names of a path: no cleaned text holds it


@dataclass(frozen=True)
class NameCodes:
    """A column of names; spellings that differ in case alone are one name, shown as it came first.

    Attributes:
        names: As shown, by code.
        codes: [N]; -1 where there is none.
        places: Case-folded name -> code.
    """

    names: list[str]
    codes: Codes
    places: dict[str, int]

    @classmethod
    def of(cls, column: pa.ChunkedArray | pa.Array) -> NameCodes:
        """Of a text column."""
        encoded = pc.dictionary_encode(column)
        encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
        names: list[str] = []
        places: dict[str, int] = {}
        merged = np.empty(len(encoded.dictionary) + 1, dtype=np.int32)
        merged[-1] = -1
        for old, name in enumerate(encoded.dictionary.to_pylist()):
            merged[old] = places.setdefault(name.casefold(), len(names))
            if merged[old] == len(names):
                names.append(name)
        indices = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        return cls(names, merged[indices], places)

    def chosen(self, names: Iterable[str]) -> list[int]:
        """Codes of these names; unknown ones have none."""
        return [self.places[name.casefold()] for name in names if name.casefold() in self.places]

    def mask(self, names: Iterable[str]) -> Mask:
        """Rows [N] that have any of these names."""
        wanted = np.zeros(len(self.names) + 1, dtype=bool)  # the last is for rows without a name
        wanted[self.chosen(names)] = True
        return wanted[self.codes]


@dataclass(frozen=True)
class CategoryTree:
    """Categories in depth-first order, so that everything below one is a range of codes.

    Attributes:
        paths: Names from the root, by code.
        ends: [C] the first code behind each category's subtree.
        codes: [N] the category of each row; -1 where there is none.
        places: Case-folded path -> code.
    """

    paths: list[tuple[str, ...]]
    ends: Codes
    codes: Codes
    places: dict[tuple[str, ...], int]

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> CategoryTree:
        """Of a column of paths (lists of names from root to leaf)."""
        leaves = NameCodes.of(pc.binary_join(column, _JOINT))
        spelled: dict[tuple[str, ...], tuple[str, ...]] = {}
        for joined in leaves.names:
            path = tuple(joined.split(_JOINT)) if joined else ()
            for depth in range(1, len(path) + 1):
                spelled.setdefault(_folded(path[:depth]), path[:depth])
        order = sorted(spelled)  # a path comes right before those that it begins
        places = {path: code for code, path in enumerate(order)}
        ends = np.arange(1, len(order) + 1, dtype=np.int32)
        for code in reversed(range(len(order))):
            parent = places.get(order[code][:-1])
            if parent is not None:
                ends[parent] = max(ends[parent], ends[code])
        merged = [places.get(tuple(joined.casefold().split(_JOINT)), -1) for joined in leaves.names]
        codes = np.array([*merged, -1], dtype=np.int32)[leaves.codes]
        return cls([spelled[path] for path in order], ends, codes, places)

    def subtree(self, path: Sequence[str]) -> tuple[int, int] | None:
        """The range of codes below a category, itself first; None where there is no such category."""
        code = self.places.get(_folded(path))
        return None if code is None else (code, int(self.ends[code]))

    def children(self, path: Sequence[str]) -> list[int]:
        """Codes of the categories right below one; of an empty path, the roots."""
        depth = len(path) + 1
        start, end = (0, len(self.paths)) if not path else self.subtree(path) or (0, 0)
        return [code for code in range(start, end) if len(self.paths[code]) == depth]

    def mask(self, path: Sequence[str]) -> Mask:
        """Rows [N] in a category or below it."""
        start, end = self.subtree(path) or (0, 0)
        mask: Mask = (self.codes >= start) & (self.codes < end)
        return mask


@dataclass(frozen=True)
class AttributeValues:
    """All values of one attribute, as pairs of a row and a value, by value and then by product.

    Attributes:
        values: As shown, and their places by case-folded name; the codes in them are of the pairs.
        rows: [P] row of each pair.
        starts: [V + 1] where the pairs of each value begin.
    """

    values: NameCodes
    rows: Codes
    starts: npt.NDArray[np.int64]

    def mask(self, names: Iterable[str], num_rows: int) -> Mask:
        """Rows [N] that have any of these values."""
        mask = np.zeros(num_rows, dtype=bool)
        for code in self.values.chosen(names):
            mask[self.rows[self.starts[code] : self.starts[code + 1]]] = True
        return mask


def attribute_values(column: pa.ChunkedArray, groups: npt.NDArray[np.int64]) -> dict[str, AttributeValues]:
    """Every attribute of a map column, those that most rows have first.

    Args:
        column: Map of a name to a list of values, one a row.
        groups: [N] the product of each row.
    """
    rows, names, values = _flattened(column)
    spelled = names.dictionary_encode()
    found = {}
    for code, name in enumerate(spelled.dictionary.to_pylist()):
        chosen = np.flatnonzero(np.asarray(spelled.indices) == code)
        found[name] = _one_attribute(rows[chosen], values.take(pa.array(chosen)), groups)
    return dict(sorted(found.items(), key=lambda pair: -len(pair[1].rows)))


def _one_attribute(rows: Codes, values: pa.Array, groups: npt.NDArray[np.int64]) -> AttributeValues:
    named = NameCodes.of(values)
    order = np.lexsort((rows, groups[rows], named.codes))
    codes = named.codes[order]
    starts = np.searchsorted(codes, np.arange(len(named.names) + 1))
    return AttributeValues(NameCodes(named.names, codes, named.places), rows[order], starts)


def _flattened(column: pa.ChunkedArray) -> tuple[Codes, pa.Array, pa.Array]:
    """Row, name and value [P] of every single value of a map column."""
    rows, names, values, first = [], [], [], 0
    for chunk in column.chunks:
        lengths = pc.fill_null(pc.list_value_length(pc.cast(chunk, pa.list_(chunk.type.field(0)))), 0)
        entries = pc.list_flatten(pc.cast(chunk, pa.list_(chunk.type.field(0))))
        entry_rows = np.repeat(np.arange(first, first + len(chunk)), np.asarray(lengths))
        keys, lists = entries.field(0), entries.field(1)
        parents = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
        rows.append(entry_rows[parents])
        names.append(keys.take(pa.array(parents)))
        values.append(pc.list_flatten(lists))
        first += len(chunk)
    if not rows:
        return np.zeros(0, dtype=np.int32), pa.array([], pa.string()), pa.array([], pa.string())
    return np.concatenate(rows).astype(np.int32), pa.concat_arrays(names), pa.concat_arrays(values)


def _folded(path: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.casefold() for name in path)
