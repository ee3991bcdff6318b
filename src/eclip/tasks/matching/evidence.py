"""All that is known of a pair of listings, as one row of numbers: cosines, agreement, and what its words have told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from eclip.tasks.matching.agreement import agreement
from eclip.tasks.matching.features import FEATURES, PairSource, pair_features
from eclip.tasks.matching.readings import BARCODE_FIELDS
from eclip.tasks.matching.wordweights import WordWeights

WORDS = "words"  # the log odds that the words alone give
MAX_FIELDS = 8  # compared one by one; the others count as text
MIN_FIELD_SHARE = 0.05  # of the listings that have it
COSINE = "cosine"  # what the names of columns end in that come from vectors
NOT_COMPARED = frozenset(
    [*BARCODE_FIELDS, "seller", "url", "product_id"]
)  # differ between offers of one product by their nature


def compared_fields(source: PairSource) -> tuple[str, ...]:
    """The further fields that enough listings have, most frequent first."""
    records = source.records or []
    counts = Counter(name for record in records for name, value in record.items() if value)
    enough = [name for name, count in counts.most_common() if count >= MIN_FIELD_SHARE * len(records)]
    return tuple(name for name in enough if name not in NOT_COMPARED)[:MAX_FIELDS]


def pair_evidence(
    source: PairSource, words: WordWeights, left: np.ndarray, right: np.ndarray, modality: str, fields: Sequence[str]
) -> dict[str, np.ndarray]:
    """Named columns [P] of pairs (left [P], right [P]); NaN where something can't be said.

    Args:
        source: The listings.
        words: What words are worth.
        left: [P] row positions.
        right: [P] row positions.
        modality: "text" or "both", whose vectors all listings have; "image" knows pictures alone.
        fields: Further fields that are compared one by one.
    """
    cosines = pair_features(source, left, right, modality)
    columns = dict(zip(FEATURES[modality], cosines.T, strict=True))
    if modality == "image":
        return columns
    rarity = words.rarity(source.readings.vocabulary)
    columns |= agreement(source.readings, rarity, left, right, fields)
    columns[WORDS] = words.scores(source.readings, left, right)
    return columns
