"""Exact duplicates and placeholder pictures of listings. Pure: key columns in, one value a row out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from eclip.products.duplicates.components import folded_titles, joint_codes, key_codes

# A picture under this many different products is a placeholder ("no image", a seller's logo): no evidence.
PLACEHOLDER_PRODUCTS = 20

SAME_CONTENT = "same title, seller and picture"
SAME_TEXT = "same title and seller, no picture"


def find_duplicates(
    titles: Sequence[str | None],
    sellers: Sequence[str | None],
    image_hashes: Sequence[str | None],
    catalog_ids: Sequence[str | None],
) -> tuple[np.ndarray, list[str | None]]:
    """Listings that repeat an earlier one: same title and seller, and the same picture or none on both.

    A title alone, without seller and picture, tells no offer: a shop's own range has many products of one title.

    Listings of different given catalogs are no duplicates: the feed's ids win (a seller's "built in
    dishwasher" is many products). A listing without a catalog may repeat one with, and the other
    way round.

    Returns:
        Position of the first listing with this content ([N] int64; -1 where the row is no duplicate), and
        the reasons.
    """
    from eclip.products.duplicates.link_loops import link

    num = len(titles)
    pictures, catalogs = key_codes(image_hashes), key_codes(catalog_ids)
    contents = joint_codes([key_codes(folded_titles(titles)), key_codes(sellers), pictures])
    untold = np.flatnonzero((pictures < 0) & (key_codes(sellers) < 0))
    contents[untold] = num + np.arange(len(untold))
    both = joint_codes([np.tile(contents, 2), np.concatenate([catalogs, np.full(num, -1)])])
    facts = (catalogs + 1).astype(np.uint64)[None]
    no_edges, unknown = np.zeros(num + 1, dtype=np.int64), np.full(2 * num, -1, dtype=np.int64)
    roots = np.arange(num)
    link(
        *(contents, both[:num], both[num:]),
        *(facts.copy(), no_edges, no_edges[:0]),
        *(unknown, unknown.copy(), facts, roots),
    )
    repeats = roots != np.arange(num)
    reasons = np.array([None, SAME_CONTENT, SAME_TEXT], dtype=object)[repeats * (1 + (pictures < 0))]
    return np.where(repeats, roots, -1), reasons.tolist()


def placeholder_pictures(
    image_hashes: Sequence[str | None], products: Sequence[Hashable], *, at_least: int = PLACEHOLDER_PRODUCTS
) -> set[str]:
    """Pictures that stand under at least so many different products (`product_names`)."""
    pictures, shown = key_codes(image_hashes), key_codes(products)
    told = (pictures >= 0) & (shown >= 0)
    different = np.unique(np.stack([pictures[told], shown[told]], axis=1), axis=0)[:, 0]
    frequent = np.flatnonzero(np.bincount(different) >= at_least)
    first = np.flatnonzero(np.isin(pictures, frequent))
    return {str(image_hashes[row]) for row in first[np.unique(pictures[first], return_index=True)[1]]}


def product_names(
    models: Sequence[str | None], catalogs: Sequence[str | None], titles: Sequence[str | None]
) -> list[str | None]:
    """What says of which product a listing is, for placeholders: its given model, else catalog, else title."""
    named = zip(models, catalogs, folded_titles(titles), strict=True)
    return [model or catalog or title for model, catalog, title in named]
