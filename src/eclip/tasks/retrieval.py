"""Search across modalities: from a title to its picture, and back.

One title often has many pictures (sellers repeat titles), so every picture whose product has that very
title, letter case aside, is relevant; "own picture only" is reported beside it.
"""

from __future__ import annotations

import numpy as np

from eclip.metrics import recall_at_k, relevant_ranks
from eclip.schema import SPLITS
from eclip.tasks.base import Catalogue, present_rows
from eclip.tasks.results import Card, Gallery, Result, Skipped

NAME = "retrieval"
KS = (1, 5, 10)
MAX_QUERIES = 2_000  # against the whole store
NUM_SEARCHES, SEARCH_RESULTS = 8, 8  # of the gallery


def retrieval_results(catalogue: Catalogue, *, method: str, seed: int) -> list[Result] | Skipped:
    """R@1, R@5, R@10 of titles and pictures of the test split, within it and against the whole store."""
    if catalogue.image_vectors.shape[1] != catalogue.text_vectors.shape[1]:
        return Skipped(task=NAME, reason=f"{method}: pictures and titles are in no common space")
    paired = present_rows(catalogue.image_vectors) & present_rows(catalogue.text_vectors)
    test = np.flatnonzero(paired & (catalogue.split == SPLITS[2]))
    if not len(test):
        return Skipped(task=NAME, reason="no test product has both a picture and a title")
    groups = _title_groups(catalogue)
    own = np.arange(catalogue.num_rows)
    queries = test
    if len(test) > MAX_QUERIES:
        queries = np.sort(np.random.default_rng(seed).choice(test, MAX_QUERIES, replace=False))
    images, texts = catalogue.image_vectors, catalogue.text_vectors
    pictures = np.flatnonzero(present_rows(images))
    titles = np.flatnonzero(present_rows(texts))
    results: list[Result] = []
    for target, source, corpus, rows, among, same in (
        ("title to picture, test split", texts, images, test, test, groups),
        ("title to picture, test split, own picture only", texts, images, test, test, own),
        ("picture to title, test split", images, texts, test, test, groups),
        ("title to picture, whole store", texts, images, queries, pictures, groups),
        ("title to picture, whole store, own picture only", texts, images, queries, pictures, own),
        ("picture to title, whole store", images, texts, queries, titles, groups),
    ):
        ranks = relevant_ranks(source[rows], corpus[among], same[rows], same[among])
        results += [
            Result(
                task=NAME,
                target=target,
                metric=f"R@{k}",
                modality="both",
                method=method,
                value=recall_at_k(ranks, k),
                support=len(rows),
            )
            for k in KS
        ]
    return results


def search_galleries(catalogue: Catalogue, *, seed: int) -> list[Gallery]:
    """Pictures found for a few test titles in the whole store; the note says similarity and what is true."""
    images, texts = catalogue.image_vectors, catalogue.text_vectors
    pictures = np.flatnonzero(present_rows(images))
    titled = np.flatnonzero(present_rows(texts) & (catalogue.split == SPLITS[2]))
    if not len(pictures) or not len(titled) or images.shape[1] != texts.shape[1]:
        return []
    groups = _title_groups(catalogue)
    chosen = np.random.default_rng(seed).permutation(titled)[:NUM_SEARCHES]
    galleries = []
    for query in chosen:
        scores = images[pictures] @ texts[query]
        found = np.argsort(-scores, kind="stable")[:SEARCH_RESULTS]
        cards = [
            Card(
                product_id=str(catalogue.product_ids[row]),
                title=catalogue.titles[row],
                note=f"{score:.2f}{', this very title' if groups[row] == groups[query] else ''}",
            )
            for row, score in zip(pictures[found], scores[found], strict=True)
        ]
        galleries.append(Gallery(kind="search", title=catalogue.titles[query] or "", cards=cards))
    return galleries


def _title_groups(catalogue: Catalogue) -> np.ndarray:
    """A number a row [N]: equal for equal titles, letter case aside; untitled rows are alone."""
    numbers: dict[str, int] = {}
    groups = np.empty(catalogue.num_rows, dtype=np.int64)
    for row, title in enumerate(catalogue.titles):
        groups[row] = numbers.setdefault(title.casefold(), row) if title else row
    return groups
