"""What the tasks must beat on text: words and letter groups, counted (TF-IDF), with linear models.

The merely pretrained towers, and plain CLIP, need no code of their own: they are a `Catalogue` with other
vectors, and go through the same heads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from eclip.tasks.heads import Target

SGD_EPOCHS = 8
SGD_ALPHA = 3e-6  # L2; chosen on fashion titles: within .001 of LinearSVC, with probabilities
MIN_TITLES = 2  # a term must occur in, once there are enough titles


def title_features(titles: Sequence[str | None], train_rows: np.ndarray) -> sparse.csr_matrix:
    """TF-IDF [N, V] of words (1-2) and letter groups (2-4) of titles, unit halves side by side.

    Args:
        titles: [N]; None is an empty row.
        train_rows: Rows that the vocabulary and the document frequencies come from.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = np.array([title or "" for title in titles], dtype=object)
    train = texts[train_rows]
    if not any(text.strip() for text in train):
        return sparse.csr_matrix((len(texts), 1), dtype=np.float32)
    least = MIN_TITLES if len(train) >= 1000 else 1
    options = {"min_df": least, "sublinear_tf": True, "dtype": np.float32}
    # One letter is a word, too: sizes, and much of Korean.
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+", **options)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), **options)
    parts = []
    for vectorizer in (words, letters):
        try:
            vectorizer.fit(train)
        except ValueError:  # no term is left: titles of punctuation only, or none occurs twice
            continue
        parts.append(vectorizer.transform(texts))
    return sparse.hstack(parts).tocsr() if parts else sparse.csr_matrix((len(texts), 1), dtype=np.float32)


def title_cosine_features(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The same rows at unit length, for cosines; empty rows stay empty."""
    from sklearn.preprocessing import normalize

    return normalize(matrix)


def title_probabilities(
    matrix: sparse.csr_matrix, target: Target, *, train_rows: np.ndarray, rows: np.ndarray, seed: int
) -> np.ndarray:
    """Class probabilities [n, C] of `rows`, of one logistic regression a class (SGD) on `train_rows`.

    Args:
        matrix: TF-IDF [N, V].
        target: What to learn; rows without its label (-1) are left out.
        train_rows: Rows to learn from.
        rows: [n] rows to answer.
        seed: Of the order of the rows.
    """
    from sklearn.linear_model import SGDClassifier

    known = train_rows[target.codes[train_rows] >= 0]
    classes = np.unique(target.codes[known])
    scores = np.zeros((len(rows), len(target.labels)))
    if len(classes) < 2 or not len(rows):
        scores[:, classes] = 1.0
        return scores
    model = SGDClassifier(
        loss="log_loss",
        alpha=SGD_ALPHA,
        max_iter=SGD_EPOCHS,
        tol=None,
        class_weight="balanced" if target.balanced else None,
        random_state=seed,
    )
    model.fit(matrix[known], target.codes[known])
    scores[:, model.classes_] = model.predict_proba(matrix[rows])
    return scores


def cosine_scores(matrix: sparse.csr_matrix, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosine [P] in 0..1 of pairs of rows of a unit TF-IDF matrix."""
    return np.asarray(matrix[left].multiply(matrix[right]).sum(axis=1)).reshape(-1)
