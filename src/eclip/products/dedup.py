"""Exact duplicates, loss groups and components of listings. Pure: key columns in, one value a row out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

# A picture under this many different products is a placeholder ("no image", a seller's logo): no evidence.
PLACEHOLDER_PRODUCTS = 20

SAME_CONTENT = "same title, seller and picture"
SAME_TEXT = "same title and seller, no picture"

Key = Hashable | None


def folded_titles(titles: Sequence[str | None]) -> list[str | None]:
    """Cleaned titles as they are compared: upper and lower case alike."""
    return [title.casefold() if title else None for title in titles]


def find_duplicates(
    titles: Sequence[str | None],
    sellers: Sequence[str | None],
    image_hashes: Sequence[str | None],
    catalog_ids: Sequence[str | None],
) -> tuple[np.ndarray, list[str | None]]:
    """Listings that repeat an earlier one: same title and seller, and the same picture or none on both.

    Listings of different given catalogs are no duplicates: the feed's ids win (a seller's "built in fully
    integrated dishwasher" is many products). A listing without a catalog may repeat one with, and the other
    way round.

    Returns:
        Position of the first listing with this content ([N] int64; -1 where the row is no duplicate), and
        the reasons.
    """
    by_content: dict[Key, dict[str | None, int]] = {}  # content -> catalog -> its first listing
    originals = np.full(len(titles), -1, dtype=np.int64)
    reasons: list[str | None] = [None] * len(titles)
    contents = zip(folded_titles(titles), sellers, image_hashes, strict=True)
    for position, (content, catalog) in enumerate(zip(contents, catalog_ids, strict=True)):
        original = _original(by_content.setdefault(content, {}), catalog, position)
        if original != position:
            originals[position] = original
            reasons[position] = SAME_TEXT if image_hashes[position] is None else SAME_CONTENT
    return originals, reasons


def _original(firsts: dict[str | None, int], catalog: str | None, position: int) -> int:
    """First listing that this one repeats, itself if none; notes its catalog.

    A listing without a catalog repeats any of the same content; one with a catalog repeats one without only
    if no other catalog claimed that before.
    """
    if catalog in firsts:
        return firsts[catalog]
    if catalog is None:
        return firsts.setdefault(None, min(firsts.values(), default=position))
    free = firsts.get(None)
    claimed = free is not None and any(first == free for name, first in firsts.items() if name is not None)
    firsts[catalog] = position if free is None or claimed else free
    return firsts[catalog]


def placeholder_pictures(
    image_hashes: Sequence[str | None], products: Sequence[Hashable], *, at_least: int = PLACEHOLDER_PRODUCTS
) -> set[str]:
    """Pictures that stand under at least so many different products (models, catalogs, else titles)."""
    shown_for: dict[str, set[Hashable]] = {}
    for image_hash, product in zip(image_hashes, products, strict=True):
        if image_hash is not None and product is not None:
            shown_for.setdefault(image_hash, set()).add(product)
    return {image_hash for image_hash, shown in shown_for.items() if len(shown) >= at_least}


def components(num_rows: int, links: Iterable[Sequence[Key]]) -> np.ndarray:
    """Connect rows that share a key of any kind.

    Args:
        num_rows: N.
        links: For each kind of key, one key a row; None links nothing.

    Returns:
        [N] int64 component numbers, counted from 0 in order of first appearance.
    """
    rows: list[int] = []
    keys: list[int] = []
    num_nodes = num_rows
    for kind in links:
        codes: dict[Hashable, int] = {}
        for row, key in enumerate(kind):
            if key is not None:
                rows.append(row)
                keys.append(num_nodes + codes.setdefault(key, len(codes)))
        num_nodes += len(codes)
    edges = coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, keys)), shape=(num_nodes, num_nodes))
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
