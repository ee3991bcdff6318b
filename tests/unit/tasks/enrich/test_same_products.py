"""Matching a batch against a store: only candidates are joined, and the answers are those of joining everything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from eclip.schema import ATTRIBUTES_TYPE
from eclip.tasks.catalogue import RECORD_COLUMNS
from eclip.tasks.enrich import same
from eclip.tasks.enrich.corpus import Corpus
from eclip.tasks.enrich.listings import Listings
from eclip.tasks.enrich.same import Clusters, SameInStore, SameInWindow
from eclip.tasks.matching.candidates import Candidates
from eclip.tasks.matching.features import FEATURES, PairSource
from eclip.tasks.matching.scorers import PairScorer, PairScorers

COLOURS = ("red", "green", "blue", "black")


def scorers(threshold: float = 0.5) -> PairScorers:
    return PairScorers(
        {
            m: PairScorer(modality=m, weights=tuple(4.0 for _ in FEATURES[m]), bias=-6.0, threshold=threshold)
            for m in ("both", "text", "image")
        }
    )


def drawn(rows: int, seed: int, prefix: str) -> tuple[list[str], list[str | None], np.ndarray, np.ndarray]:
    """Ids, titles and vectors; every fifth lacks its picture, every seventh its title, the last both."""
    shuffled = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(6, 8))
    kind = np.arange(rows) % 6
    image, text = (centres[kind] + 0.3 * shuffled.normal(size=(rows, 8)) for _ in range(2))
    image, text = ((each / np.linalg.norm(each, axis=1, keepdims=True)).astype(np.float32) for each in (image, text))
    titles: list[str | None] = [f"{COLOURS[k % 4]} thing {k} of {row % 3}" for row, k in enumerate(kind.tolist())]
    image[::5] = np.nan
    text[::7] = np.nan
    image[-1] = text[-1] = np.nan
    for row in [*range(0, rows, 7), rows - 1]:
        titles[row] = None
    return [f"{prefix}{row}" for row in range(rows)], titles, image, text


def table_of(ids, titles) -> pa.Table:
    """Titles with further fields, of which only a few listings have any."""
    columns = {name: pa.nulls(len(ids), pa.string()) for name in RECORD_COLUMNS}
    columns["brand"] = pa.array(["Acme" if row % 3 == 0 else None for row in range(len(ids))], pa.string())
    columns["attributes"] = pa.nulls(len(ids), ATTRIBUTES_TYPE)
    return pa.table({"product_id": ids, "title": pa.array(titles, pa.string()), **columns})


def new_listings(rows: int = 40, seed: int = 1, prefix: str = "new") -> Listings:
    ids, titles, image, text = drawn(rows, seed, prefix)
    return Listings(
        table=table_of(ids, titles),
        image=image,
        text=text,
        cells=[None] * rows,
    )


def corpus(rows: int = 70) -> Corpus:
    ids, titles, image, text = drawn(rows, 2, "old")
    content = pa.array([f"hash{row}" for row in range(rows)])
    catalogs = [None if row % 4 == 0 else f"c{row % 6}" for row in range(rows)]
    records = table_of(ids, titles)
    return Corpus(
        ids=ids, titles=titles, catalog_ids=catalogs, content=content, records=records, image=image, text=text
    )


def one_by_one(listings: Listings, among: PairSource, *, within: bool) -> list[list[tuple[int, float]]]:
    """Each listing judged by itself against its candidates, all listings joined; best first."""
    candidates, asked = Candidates.of_source(among), listings.pair_source
    answers = []
    for row in range(len(listings)):
        alone = asked.take(np.array([row]))
        near = candidates.near(alone, own_rows=np.array([row if within else -1]))
        right = np.unique(near[near >= 0])
        scores, thresholds = scorers().scores(alone.followed_by(among), np.zeros(len(right), np.int64), right + 1)
        same = [
            (int(other), float(score)) for other, score in zip(right, scores, strict=True) if score >= thresholds[0]
        ]
        answers.append(sorted(same, key=lambda item: (-item[1], item[0])))
    return answers


@pytest.mark.parametrize("at_once", [7, 8_192])
def test_in_a_store_as_with_the_whole_store_joined(monkeypatch, at_once):
    monkeypatch.setattr(same, "LISTINGS_AT_ONCE", at_once)
    monkeypatch.setattr(same, "PAIRS_AT_ONCE", 3 * at_once)
    listings, store = new_listings(), corpus()
    slow = one_by_one(listings, store.listings.take(np.arange(len(store.ids))), within=False)
    found = SameInStore(scorers(), store).answer(listings)
    assert found["same_product_ids"] == [[store.ids[row] for row, _ in answer] for answer in slow]
    for ours, theirs in zip(found["same_product_confidences"], slow, strict=True):
        np.testing.assert_allclose(ours, [score for _, score in theirs], rtol=1e-6)
    assert sum(map(len, found["same_product_ids"])) > 40
    assert found["same_product_ids"][-1] == []
    for answer, catalog, reason in zip(slow, found["catalog_id"], found["same_product_reason"], strict=True):
        named = [store.catalog_ids[row] for row, _ in answer if store.catalog_ids[row]]
        assert catalog == (named[0] if named else None)
        assert (reason is not None) == bool(answer)


def test_in_the_feed_as_all_at_once():
    listings = new_listings()
    slow = one_by_one(listings, listings.pair_source, within=True)
    found = SameInWindow(scorers()).answer(listings)
    assert found["same_product_ids"] == [[listings.ids[row] for row, _ in answer] for answer in slow]
    assert sum(map(len, found["same_product_ids"])) > 40


def test_a_listing_is_not_the_same_as_itself_in_the_store():
    store = corpus()
    listings = new_listings(rows=70, seed=2, prefix="old")
    for own, found in zip(
        listings.ids, SameInStore(scorers(), store).answer(listings)["same_product_ids"], strict=True
    ):
        assert own not in found


def test_of_an_empty_store_nothing_is_the_same():
    none = np.zeros((0, 8), dtype=np.float32)
    told = {"catalog_ids": [], "content": pa.array([], pa.string()), "records": table_of([], [])}
    empty = Corpus(ids=[], titles=[], image=none, text=none, **told)
    listings = new_listings(rows=3)
    assert SameInStore(scorers(), empty).answer(listings)["same_product_ids"] == [[], [], []]
    assert empty.rows_of_content(pa.chunked_array([["hash1"]])).tolist() == [-1]


def test_clusters_are_named_by_their_first_listing():
    listings = new_listings()
    found = Clusters(scorers(0.9)).answer(listings)
    usable = listings.usable
    assert usable.sum() < len(listings)
    for row, (cluster_id, sure) in enumerate(zip(found["cluster_id"], found["cluster_confidence"], strict=True)):
        assert (cluster_id is not None) == usable[row]
        if cluster_id is not None:
            first = listings.ids.index(cluster_id)
            assert first <= row
            assert found["cluster_id"][first] == cluster_id
            assert 0 <= sure <= 1
    assert 1 < len(set(found["cluster_id"])) < usable.sum()


def test_a_listing_without_an_id_names_no_cluster():
    listings = new_listings()
    before = Clusters(scorers(0.9)).answer(listings)["cluster_id"]
    first = next(row for row, name in enumerate(before) if name == listings.ids[row] and before.count(name) > 2)
    ids = [None if row == first else name for row, name in enumerate(listings.ids)]
    nameless = replace(listings, table=table_of(ids, listings.titles))
    after = Clusters(scorers(0.9)).answer(nameless)["cluster_id"]
    assert after[first] is None
    mates = [row for row, name in enumerate(before) if name == before[first] and row != first]
    assert all(after[row] is not None for row in mates)


def test_sure_of_a_cluster_is_the_mean_of_its_pairs_and_of_a_loner_what_is_left():
    from eclip.tasks.enrich.same import _cluster_confidence

    labels = np.array([0, 0, 0, 1])
    left, right = np.array([0, 0, 2]), np.array([1, 2, 3])
    sure = _cluster_confidence(labels, left, right, np.array([0.9, 0.7, 0.2]))
    assert sure.tolist() == [0.8, 0.9, 0.7, 0.8]
