"""What the rest of the graph says of an edge, once every edge has been judged by itself.

The likeliest mate of both its ends, ahead of all rivals, with third listings that are mates of both, is an edge of
another kind than one of many that are as likely.
"""

from __future__ import annotations

import numpy as np

from eclip.tasks.clustering.edges import leads


def context_features(
    log_odds: np.ndarray, left: np.ndarray, right: np.ndarray, sellers: np.ndarray
) -> dict[str, np.ndarray]:
    """Named columns [E] float32; all symmetric.

    Args:
        log_odds: [E] of being one product, each edge by itself.
        left: [E] rows.
        right: [E] rows.
        sellers: [N] codes of who lists a product once; -1 = not known.
    """
    from eclip.tasks.clustering.context_loops import NEIGHBOUR_FEATURES, common_neighbours

    num_rows = len(sellers)
    chances = (1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))).astype(np.float32)
    rows, others = np.concatenate([left, right]), np.concatenate([right, left])
    order = np.lexsort((others, rows))
    indptr = np.searchsorted(rows[order], np.arange(num_rows + 1))
    both = np.concatenate([chances, chances])[order]
    told = common_neighbours(indptr, others[order], both, left, right)
    out = {"log odds": log_odds, **dict(zip(NEIGHBOUR_FEATURES, told.T, strict=True))}
    names = ("lead in odds over the seller's next", "lead in odds over the next")
    everyone = np.zeros(num_rows, dtype=np.int64)  # as if all others were one seller's
    for name, owners in zip(names, (sellers, everyone), strict=True):
        out[f"{name}, less"], out[f"{name}, more"] = leads(chances, left, right, owners)
    expected = np.bincount(rows, weights=np.concatenate([chances, chances]), minlength=num_rows)
    out["mates expected, less"] = np.minimum(expected[left], expected[right])
    out["mates expected, more"] = np.maximum(expected[left], expected[right])
    return {name: np.asarray(values, dtype=np.float32) for name, values in out.items()}
