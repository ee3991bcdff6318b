"""What listings say, as numbers: the words of the title and the names of the category."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

NUM_TOPICS = 128  # numbers a listing
MAX_TERMS = 2**16  # the most frequent
MIN_LISTINGS = 2  # a term must occur in: one that only its own listing has links nothing
_POWER_STEPS = 3  # of the randomised decomposition (Halko, Martinsson and Tropp, 2011)


def said_topics(
    titles: Sequence[str], categories: Sequence[Sequence[str] | None], *, seed: int, num_topics: int = NUM_TOPICS
) -> np.ndarray:
    """TF-IDF of words and category names in their first principal directions (latent semantic analysis).

    Words as they stand, and not a model's vectors of titles: those have moved towards the very pictures that are
    in question, and a young model's know little.

    Args:
        titles: N cleaned titles.
        categories: N paths from the root to the leaf, or None.
        seed: Of the random start of the decomposition.
        num_topics: Numbers a listing, fewer where there are fewer terms.

    Returns:
        [N, T] float32; zeros where no term occurs in another listing.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.extmath import randomized_svd

    terms = [listing_terms(title, path) for title, path in zip(titles, categories, strict=True)]
    vectorizer = TfidfVectorizer(
        analyzer=_as_it_is, min_df=MIN_LISTINGS, max_features=MAX_TERMS, sublinear_tf=True, dtype=np.float32
    )
    try:
        matrix = vectorizer.fit_transform(terms)
    except ValueError:  # no term is shared: its way to say so
        return np.zeros((len(titles), 1), dtype=np.float32)
    num = min(num_topics, *matrix.shape)
    left, strengths, _ = randomized_svd(matrix, num, n_iter=_POWER_STEPS, random_state=seed)
    return (left * strengths).astype(np.float32)


def listing_terms(title: str, category: Sequence[str] | None) -> list[str]:
    """The words of a title, and each level of its category as one term that no word equals."""
    return [*re.findall(r"\w+", title.casefold()), *(f"> {name.casefold()}" for name in category or ())]


def _as_it_is(terms: list[str]) -> list[str]:
    return terms
