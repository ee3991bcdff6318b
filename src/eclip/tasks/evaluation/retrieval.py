"""Search across modalities: from a title to its picture, and back.

One title often has many pictures (sellers repeat titles), so every picture whose product has that very
title, letter case aside, is relevant; "own picture only" is reported beside it, and so are titles that no product
of the train split has.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from eclip.metrics import bipartite_ranks, recall_at_k
from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.features import present_rows
from eclip.tasks.intervals import estimate
from eclip.tasks.results import Card, Gallery, Result, Skipped, results_of

NAME = "retrieval"
KS = (1, 5, 10)
MAX_QUERIES = 2_000  # against the whole store
NUM_SEARCHES, SEARCH_RESULTS = 8, 8  # of the gallery


def retrieval_results(
    catalogue: Catalogue, *, method: str, seed: int, buckets: np.ndarray | None = None
) -> list[Result] | Skipped:
    """R@1, R@5, R@10 of titles and pictures of the test split, within it and against the whole store.

    What is searched are different pictures (or titles), each once: copies of one picture under the titles of its
    sizes are one answer, not each other's rivals.
    """
    images, texts = catalogue.image_vectors, catalogue.text_vectors
    if images.shape[1] != texts.shape[1]:
        return Skipped(task=NAME, reason=f"{method}: pictures and titles are in no common space")
    paired = present_rows(images) & present_rows(texts)
    test = np.flatnonzero(paired & catalogue.within(SPLITS[2]))
    if not len(test):
        return Skipped(task=NAME, reason="no test product has vectors of both its picture and its title")
    queries = test
    if len(test) > MAX_QUERIES:
        queries = np.sort(np.random.default_rng(seed).choice(test, MAX_QUERIES, replace=False))
    titles, pictures = _title_groups(catalogue), _picture_groups(catalogue)
    trained = set(titles[catalogue.rows_of(SPLITS[0])].tolist())
    unseen = np.array([row for row in queries if titles[row] not in trained], dtype=np.int64)
    num_unseen = sum(title not in trained for title in titles[test].tolist())
    whole = np.arange(catalogue.num_rows)
    to_picture, to_title = (texts, images, titles, pictures), (images, texts, pictures, titles)
    results: list[Result] = []
    for target, (source, found, asked, answers), rows, among, own, num_asked in (
        ("title to picture, test split", to_picture, test, test, False, len(test)),
        ("title to picture, test split, own picture only", to_picture, test, test, True, len(test)),
        ("picture to title, test split", to_title, test, test, False, len(test)),
        ("title to picture, whole store", to_picture, queries, whole, False, len(test)),
        ("title to picture, whole store, own picture only", to_picture, queries, whole, True, len(test)),
        ("title to picture, whole store, titles never trained on", to_picture, unseen, whole, False, num_unseen),
        ("picture to title, whole store", to_title, queries, whole, False, len(test)),
    ):
        if not len(rows):
            continue
        among = among[present_rows(found)[among]]
        corpus, places = np.unique(answers[among], return_inverse=True)
        first = np.full(len(corpus), catalogue.num_rows)
        np.minimum.at(first, places, among)
        if own:
            relevant = _relevant(np.arange(len(rows)), np.searchsorted(corpus, answers[rows]), len(rows), len(corpus))
        else:
            relevant = _relevant(asked[among], places, catalogue.num_rows, len(corpus))[asked[rows]]
        ranks = bipartite_ranks(source[rows], found[first], relevant)
        of_rows = None if buckets is None else buckets[rows]
        figures = {f"R@{k}": estimate(recall_at_k, ranks, k=k, buckets=of_rows) for k in KS}
        results += results_of(figures, task=NAME, target=target, modality="both", method=method, drawn_from=num_asked)
    return results


def _relevant(rows: np.ndarray, columns: np.ndarray, num_rows: int, num_columns: int) -> sparse.csr_matrix:
    """Not zero where a row and a column stand together."""
    entries = (np.ones(len(rows), dtype=np.int32), (rows, columns))
    return sparse.csr_matrix(entries, shape=(num_rows, num_columns))


def search_galleries(catalogue: Catalogue, *, seed: int) -> list[Gallery]:
    """Pictures found for a few test titles in the whole store; the note says similarity and what is true."""
    images, texts = catalogue.image_vectors, catalogue.text_vectors
    pictures = np.flatnonzero(present_rows(images))
    titled = np.flatnonzero(present_rows(texts) & catalogue.within(SPLITS[2]))
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


def _picture_groups(catalogue: Catalogue) -> np.ndarray:
    """A number a row [N]: equal for equal pictures; rows without one are alone."""
    numbers: dict[str, int] = {}
    groups = np.empty(catalogue.num_rows, dtype=np.int64)
    for row, image_hash in enumerate(catalogue.image_hashes):
        groups[row] = numbers.setdefault(image_hash, row) if image_hash else row
    return groups


def _title_groups(catalogue: Catalogue) -> np.ndarray:
    """A number a row [N]: equal for equal titles, letter case aside; untitled rows are alone."""
    numbers: dict[str, int] = {}
    groups = np.empty(catalogue.num_rows, dtype=np.int64)
    for row, title in enumerate(catalogue.titles):
        groups[row] = numbers.setdefault(title.casefold(), row) if title else row
    return groups
