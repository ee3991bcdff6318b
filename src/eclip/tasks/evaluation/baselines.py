"""What the tasks must beat on text: words and letter groups, counted (TF-IDF), compared by cosine.

With linear models they classify (`eclip.tasks.heads.fit_lexical`). The merely pretrained towers, and plain CLIP,
need no code of their own: they are a `Catalogue` with other vectors, and go through the same heads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from eclip.tasks.heads.lexical import NUM_BUCKETS, TitleTerms, unit_rows


def title_cosine_features(titles: Sequence[str | None], train_rows: np.ndarray) -> sparse.csr_matrix:
    """TF-IDF [N, V] of titles at unit length, for cosines; titles without a term are empty rows.

    Args:
        titles: [N], None where missing.
        train_rows: Rows that the terms and the document frequencies come from.
    """
    terms = TitleTerms.of([titles[row] for row in train_rows], max_terms=NUM_BUCKETS)
    return unit_rows(terms.features(titles))


def cosine_scores(matrix: sparse.csr_matrix, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosine [P] in 0..1 of pairs of rows of a unit TF-IDF matrix."""
    return np.asarray(matrix[left].multiply(matrix[right]).sum(axis=1)).reshape(-1)
