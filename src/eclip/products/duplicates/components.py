"""Rows that belong together: components over keys of several kinds, and the loss groups made of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Key = Hashable | None


def folded_titles(titles: Sequence[str | None]) -> list[str | None]:
    """Cleaned titles as they are compared: upper and lower case alike."""
    return [title.casefold() if title else None for title in titles]


def key_codes(keys: Sequence[Key] | np.ndarray) -> np.ndarray:
    """[N] int64 the same number for the same key, from 0 in order of appearance; -1 for None."""
    try:
        array = pa.array(keys)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # keys of several types: Python compares them
        known: dict[Hashable, int] = {}
        return np.array([-1 if key is None else known.setdefault(key, len(known)) for key in keys], dtype=np.int64)
    if pa.types.is_null(array.type):
        return np.full(len(array), -1, dtype=np.int64)
    return array.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def joint_codes(columns: Sequence[np.ndarray]) -> np.ndarray:
    """[N] int64 the same number where all columns of numbers from -1 on agree."""
    out = columns[0] + 1
    for column in columns[1:]:
        out = np.unique(out * (column.max(initial=-1) + 2) + column + 1, return_inverse=True)[1]
    return out


def components(num_rows: int, links: Iterable[Sequence[Key] | np.ndarray]) -> np.ndarray:
    """Connect rows that share a key of any kind.

    Args:
        num_rows: N.
        links: For each kind of key, one key a row; None links nothing.

    Returns:
        [N] int64 component numbers, counted from 0 in order of first appearance.
    """
    rows: list[np.ndarray] = []
    nodes: list[np.ndarray] = []
    num_nodes = num_rows
    for kind in links:
        codes = key_codes(kind)
        linked = np.flatnonzero(codes >= 0)
        rows.append(linked)
        nodes.append(num_nodes + codes[linked])
        num_nodes += int(codes.max(initial=-1)) + 1
    ends = (np.concatenate([*part, np.zeros(0, np.int64)]) for part in (rows, nodes))
    one, two = ends
    edges = coo_matrix((np.ones(len(one), dtype=np.int8), (one, two)), shape=(num_nodes, num_nodes))
    labels = connected_components(edges, directed=False)[1][:num_rows]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    return order[inverse]


def loss_groups(
    titles: Sequence[str | None], image_hashes: Sequence[str | None], catalog_ids: Sequence[str | None]
) -> np.ndarray:
    """Products that must not repel each other: one catalog, one title, or one picture (not a placeholder)."""
    return components(len(titles), (catalog_ids, folded_titles(titles), image_hashes))
