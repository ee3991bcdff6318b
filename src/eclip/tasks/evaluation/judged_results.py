"""Figures of the search on judged queries, beside counted words (TF-IDF)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.errors import ConfigError, FeedError
from eclip.metrics import found_at_k, mean, ndcg_at_k, precision_at_k, reciprocal_rank
from eclip.progress import stage
from eclip.search.engine import SearchEngine
from eclip.search.exact import best_rows
from eclip.search.listings import ProductStore, product_groups
from eclip.search.query import Query
from eclip.tasks.evaluation.baselines import title_cosine_features
from eclip.tasks.evaluation.judged import JudgedQuery
from eclip.tasks.intervals import estimate, group_buckets
from eclip.tasks.results import MODALITIES, OUR_METHOD, TF_IDF, Result, results_of

NAME = "judged queries"
TARGET = "products found"
K = 10
TOP_K = 100  # how deep the first right answer is looked for


def judged_results(store: ProductStore, engine: SearchEngine, queries: Sequence[JudgedQuery]) -> list[Result]:
    """nDCG@10, R@10, MRR and P@10 of each kind of query.

    Products, not listings, are found and judged: the grade of a product is the best of its listings. What nobody has
    judged counts as wrong.

    Args:
        store: Whose products are searched.
        engine: Over that store.
        queries: All of whose judged products are in the store, each with one of a grade above 0.
    """
    table = store.table(("product_id", "title", "catalog_id", "duplicate_of")).combine_chunks()
    groups = product_groups(table)
    places = {product_id: row for row, product_id in enumerate(table["product_id"].to_pylist())}
    graded = [_by_product(query, places, groups) for query in queries]
    found = {OUR_METHOD: _searched(engine, queries)}
    worded = [number for number, query in enumerate(queries) if query.text]
    words = _by_words(table["title"].to_pylist(), groups, [queries[number].text or "" for number in worded])
    found[TF_IDF] = dict(zip(worded, words, strict=True))
    results = []
    for modality in MODALITIES:
        for method, answers in found.items():
            numbers = [number for number in answers if queries[number].modality == modality]
            if numbers:
                results += _figures(
                    [[graded[number].get(int(groups[row]), 0.0) for row in answers[number]] for number in numbers],
                    [list(graded[number].values()) for number in numbers],
                    group_buckets([queries[number].name for number in numbers]),
                    modality,
                    method,
                )
    return results


def _by_product(query: JudgedQuery, places: dict[str, int], groups: np.ndarray) -> dict[int, float]:
    """Grade of each judged product: the best of its listings."""
    grades: dict[int, float] = {}
    for product_id, grade in query.grades.items():
        group = int(groups[places[product_id]])
        grades[group] = max(grade, grades.get(group, 0.0))
    return grades


def _searched(engine: SearchEngine, queries: Sequence[JudgedQuery]) -> dict[int, list[int]]:
    """Rows found for each query, best first."""
    found = {}
    with stage("Searching for judged queries", len(queries), unit="queries") as advance:
        for number, query in enumerate(queries):
            try:
                image = query.image.read_bytes() if query.image else None
                asked = Query(text=query.text, image=image, top_k=TOP_K)
                found[number] = [hit.row for hit in engine.search(asked).hits]
            except OSError as error:
                raise FeedError(f"can't be read: {error.strerror}", path=query.image) from error
            except ConfigError as error:
                raise ConfigError(f"judged query {query.text or query.image}: {error}") from error
            advance(1)
    return found


def _by_words(titles: Sequence[str | None], groups: np.ndarray, texts: Sequence[str]) -> list[list[int]]:
    """Rows found for each text by the cosine of counted words; rows without a common term are never found."""
    matrix = title_cosine_features([*titles, *texts], np.arange(len(titles)))
    corpus, asked = matrix[: len(titles)].T.tocsc(), matrix[len(titles) :]
    found = []
    for number in range(len(texts)):
        scores = np.asarray((asked[number] @ corpus).todense(), dtype=np.float32).reshape(-1)
        scores[scores <= 0] = -np.inf
        found.append(best_rows(scores, groups, top_k=TOP_K))
    return found


def _figures(
    ranked: list[list[float]], judged: list[list[float]], buckets: np.ndarray, modality: str, method: str
) -> list[Result]:
    order, known = _padded(ranked), _padded(judged)
    by_query = {
        f"nDCG@{K}": ndcg_at_k(order, known, K),
        f"R@{K}": found_at_k(order, known, K),
        "MRR": reciprocal_rank(order),
        f"P@{K}": precision_at_k(order, K),
    }
    figures = {metric: estimate(mean, values, buckets=buckets) for metric, values in by_query.items()}
    return results_of(figures, task=NAME, target=TARGET, modality=modality, method=method)


def _padded(rows: list[list[float]]) -> np.ndarray:
    """Lists of grades as one matrix, filled up with 0."""
    width = max(1, *map(len, rows)) if rows else 1
    matrix = np.zeros((len(rows), width))
    for place, row in enumerate(rows):
        matrix[place, : len(row)] = row
    return matrix
