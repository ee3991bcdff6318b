"""What listings say, as numbers: the words of the title, and the names of the category, guessed where not given."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

NUM_TOPICS = 128  # numbers a title, and a category
MAX_TERMS = 2**16  # the most frequent
MIN_LISTINGS = 2  # a term must occur in: one that only its own listing has links nothing
_POWER_STEPS = 3  # of the randomised decomposition (Halko, Martinsson and Tropp, 2011)
_RIDGE = 0.01  # of the mean variance, in the guess of categories


def said_topics(titles: Sequence[str], categories: Sequence[Sequence[str] | None], *, seed: int) -> np.ndarray:
    """Topics of each title and of each category, side by side.

    Words as they stand, and not a model's vectors of titles: those have moved towards the very pictures that are
    in question, and a young model's know little. A category that is not given is guessed from the title, by what
    the listings with one say.

    Args:
        titles: N cleaned titles.
        categories: N paths from the root to the leaf, or None.
        seed: Of the random start of the decompositions.

    Returns:
        [N, T] float32; zeros where no term occurs in another listing.
    """
    words = _topics([re.findall(r"\w+", title.casefold()) for title in titles], seed)
    given = np.array([bool(path) for path in categories], dtype=bool)
    paths = [[name.casefold() for name in path] for path in categories if path]
    if not paths:
        return words
    known = _topics(paths, seed)
    levels = np.zeros((len(titles), known.shape[1]), dtype=np.float32)
    levels[given], levels[~given] = known, _guess(words[given], known, words[~given])
    return np.concatenate([words, levels], axis=1)


def _topics(terms: Sequence[list[str]], seed: int) -> np.ndarray:
    """TF-IDF of N lists of terms in its first principal directions (latent semantic analysis): [N, T] float32."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.extmath import randomized_svd

    vectorizer = TfidfVectorizer(
        analyzer=_as_it_is, min_df=MIN_LISTINGS, max_features=MAX_TERMS, sublinear_tf=True, dtype=np.float32
    )
    try:
        matrix = vectorizer.fit_transform(terms)
    except ValueError:  # no term is shared: its way to say so
        return np.zeros((len(terms), 1), dtype=np.float32)
    num = min(NUM_TOPICS, *matrix.shape)
    left, strengths, _ = randomized_svd(matrix, num, n_iter=_POWER_STEPS, random_state=seed)
    return (left * strengths).astype(np.float32)


def _guess(words: np.ndarray, levels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Ridge regression from words [N, W] to levels [N, L], for other words [M, W]: [M, L]."""
    mean, mean_level = words.mean(axis=0), levels.mean(axis=0)
    centred = words - mean
    spread = centred.T @ centred
    spread += np.eye(len(spread)) * (_RIDGE * np.trace(spread) / len(spread) + 1e-9)
    return (asked - mean) @ np.linalg.solve(spread, centred.T @ (levels - mean_level)) + mean_level


def _as_it_is(terms: list[str]) -> list[str]:
    return terms
