"""From near listings to links: the state that matters of an index, numbered small, and the loop over new rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eclip.products.duplicates.keys import ListingKeys
from eclip.products.duplicates.near import Duplicates

if TYPE_CHECKING:
    from eclip.products.duplicates.index import DuplicateIndex


def link_rows(
    index: DuplicateIndex, keys: ListingKeys, later: np.ndarray, earlier: np.ndarray
) -> tuple[Duplicates, np.ndarray, np.ndarray]:
    """Link new rows to the originals that they repeat.

    Args:
        index: What is known already, of N rows.
        keys: M new listings.
        later: [E] new rows, from N on.
        earlier: [E] rows that look like them, of the index or new.

    Returns:
        What was found; [R] the rows whose claims it read or changed; and [F, R] these claims after it.
    """
    from eclip.products.duplicates.link_loops import link

    num_old, num_new = len(index), len(keys)
    contents, content_codes = np.unique(keys.contents, return_inverse=True)
    both = np.concatenate([keys.slots, keys.slots_of(np.zeros_like(keys.catalogs))])
    slots, slot_codes = np.unique(both, return_inverse=True)
    first_roots, slot_roots = index.contents(contents), index.slots(slots)
    untold = np.flatnonzero(keys.plain & ~keys.sold)  # by a title alone: each has a content of its own
    slot_codes = slot_codes.reshape(2, num_new)
    content_codes[untold] = len(first_roots) + np.arange(len(untold))
    slot_codes[:, untold] = len(slot_roots) + np.arange(2 * len(untold)).reshape(2, -1)
    first_roots = np.append(first_roots, np.full(len(untold), -1))
    slot_roots = np.append(slot_roots, np.full(2 * len(untold), -1))
    old = np.flatnonzero(earlier < num_old)
    fine = np.ones(len(earlier), dtype=bool)
    fine[old] = index.originals[earlier[old]] == earlier[old]
    later, earlier = later[fine], earlier[fine]
    known = np.unique(np.concatenate([first_roots, slot_roots, earlier[earlier < num_old]]))
    known = known[known >= 0]  # the old rows that matter, in their order: numbered from 0, the new ones after them
    starts, edges = _edge_lists(later - num_old, _renumbered(earlier, known, num_old), num_new)
    first_roots, slot_roots = (_renumbered(roots, known, num_old) for roots in (first_roots, slot_roots))
    claims = np.concatenate([index.claims[:, known], keys.facts], axis=1)
    roots = np.arange(len(known) + num_new)
    codes = (content_codes, *slot_codes)
    kinds = link(*codes, claims.copy(), starts, edges, first_roots, slot_roots, claims, roots)
    all_rows = np.concatenate([known, num_old + np.arange(num_new)])
    originals = np.where(kinds > 0, all_rows[roots[len(known) :]], -1)
    return Duplicates(originals, kinds, keys.plain), all_rows, claims


def _renumbered(rows: np.ndarray, known: np.ndarray, num_old: int) -> np.ndarray:
    """Rows in the small numbering; -1 stays."""
    small = np.searchsorted(known, rows)
    return np.where(rows < 0, -1, np.where(rows < num_old, small, rows - num_old + len(known)))


def _edge_lists(rows: np.ndarray, others: np.ndarray, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """[M + 1] where the others of each row start, and the others, ascending for each row."""
    order = np.lexsort((others, rows))
    starts = np.searchsorted(rows[order], np.arange(num_rows + 1))
    return starts, others[order]
