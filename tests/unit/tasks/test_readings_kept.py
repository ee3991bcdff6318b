"""What is read of a listing is read of it alone, kept, and put beside others; compiled loops tell what sets tell."""

from __future__ import annotations

import numpy as np
import pytest

from eclip.tasks.matching.agreement import agreement
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.kept import KeptListings
from eclip.tasks.matching.readings import Readings, read_records
from eclip.tasks.matching.wordweights import WordWeights

TEXT = "acme umbra kettle lamp ux29f ux-29f ux 29f 64gb 64 gb black red xl 4.3in 660 de het"
WORDS = TEXT.split()


@pytest.fixture(scope="module")
def listings() -> tuple[list[str], list[dict[str, str]]]:
    """Titles of few words, so that pairs share some; every third has fields, not all the same ones."""
    shuffled = np.random.default_rng(0)
    titles = [" ".join(shuffled.choice(WORDS, shuffled.integers(0, 8))) for _ in range(40)]
    fields = [{"brand": "Acme"}, {}, {"colour": "red", "description": "ux 29f of 64", "size": "in stock"}]
    return titles, [fields[row % 3] for row in range(40)]


def weights() -> WordWeights:
    counts = {word: 2 + place for place, word in enumerate(WORDS)}
    told = {"black": (0.1, -2.0), "64": (0.5, 0.25), "lamp": (0.0, -0.5)}
    return WordWeights(num_listings=100, counts=counts, told=told, bias=0.125)


def columns_of(readings: Readings, left: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
    rarity = weights().rarity(readings.vocabulary)
    found = agreement(readings, rarity, left, right, ["description"])
    return found | {"told": weights().scores(readings, left, right)}


def test_a_pair_is_read_the_same_whoever_stands_beside_it(listings):
    titles, records = listings
    together = read_records(titles, records)
    for one, other in ((0, 5), (2, 3), (8, 11), (1, 4)):
        alone = read_records([titles[one], titles[other]], [records[one], records[other]])
        expected = columns_of(alone, np.array([0]), np.array([1]))
        found = columns_of(together, np.array([one]), np.array([other]))
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-6, err_msg=name)


def test_readings_are_taken_apart_and_put_together(listings):
    titles, records = listings
    whole = read_records(titles, records)
    parts = read_records(titles[:15], records[:15]).followed_by(read_records(titles[15:], records[15:]))
    left, right = (np.random.default_rng(seed).integers(0, 40, 200) for seed in (1, 2))
    expected = columns_of(whole, left, right)
    for name, values in columns_of(parts, left, right).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-6, err_msg=name)
    rows = np.array([30, 2, 17, 2])
    few = parts.take(rows)
    assert len(few) == 4
    assert len(few.vocabulary) < len(whole.vocabulary)
    expected = columns_of(whole, rows[[0, 1, 2]], rows[[1, 2, 3]])
    for name, values in columns_of(few, np.array([0, 1, 2]), np.array([1, 2, 3])).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-6, err_msg=name)


def test_each_kept_listing_is_read_once(listings, monkeypatch):
    titles, records = listings
    vectors = np.full((40, 2), np.nan, dtype=np.float32)
    source = PairSource(titles=titles, image_vectors=vectors, text_vectors=vectors, records=records)
    kept, read = KeptListings.of(source), []
    monkeypatch.setattr(
        "eclip.tasks.matching.kept.read_records",
        lambda some, fields: read.extend(some) or read_records(some, fields),
    )
    first = kept.take(np.array([3, 1]))
    second = kept.take(np.array([1, 7, 3, 7]))
    assert sorted(read) == sorted([titles[3], titles[1], titles[7]])
    assert first.titles == [titles[3], titles[1]]
    assert second.records == [records[1], records[7], records[3], records[7]]
    asked = PairSource(titles=[titles[9]], image_vectors=vectors[:1], text_vectors=vectors[:1], records=[records[9]])
    joined = asked.followed_by(second)
    expected = columns_of(source.readings, np.array([9]), np.array([7]))
    for name, values in columns_of(joined.readings, np.array([0]), np.array([2])).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-6, err_msg=name)
    assert len(kept.take(np.zeros(0, dtype=np.int64)).titles) == 0
    shuffled = np.random.default_rng(0)
    for _ in range(30):  # a few at a time, as requests ask
        rows = shuffled.integers(0, 40, shuffled.integers(1, 5))
        taken = kept.take(rows)
        assert taken.titles == [titles[row] for row in rows]
        assert taken.readings.titles == [source.readings.titles[row] for row in rows]
        assert taken.readings.codes == [source.readings.codes[row] for row in rows]
    assert len(kept._chunks) < 5
    assert len(read) == (kept._places >= 0).sum()  # each once


def test_loops_tell_what_sets_tell(listings):
    titles, records = listings
    readings = read_records(titles, records)
    rarity = dict(zip(readings.vocabulary, weights().rarity(readings.vocabulary).tolist(), strict=True))
    told = weights().told

    def said(view: str, row: int) -> set[str]:
        table = readings.tables[view]
        return {readings.vocabulary[column] for column in table.indices[table.indptr[row] : table.indptr[row + 1]]}

    left, right = (np.random.default_rng(seed).integers(0, 40, 60) for seed in (3, 4))
    found = columns_of(readings, left, right)
    for pair, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        one, other = said("texts", a), said("texts", b)
        weigh = lambda words: sum(rarity[word] for word in words)  # noqa: E731
        most = lambda words: max((rarity[word] for word in words), default=0)  # noqa: E731
        expected = {
            "texts: weighted overlap": weigh(one & other) / max(weigh(one | other), 1e-6),
            "texts: rarest shared": most(one & other),
            "texts: rarest alone, more": max(most(one - other), most(other - one)),
            "texts: rarity alone, less": min(weigh(one), weigh(other)) - weigh(one & other),
            "title within all, less": min(
                weigh(said("words", x) & said("texts", y)) / max(weigh(said("words", x)), 1e-6)
                for x, y in ((a, b), (b, a))
            ),
        }
        numbers, others = said("numbers", a), said("numbers", b)
        expected["numbers: shared"] = len(numbers & others)
        expected["numbers: alone, more"] = max(len(numbers - others), len(others - numbers))
        one, other = said("spoken", a), said("spoken", b)
        expected["told"] = 0.125 + sum(told.get(word, (0, 0))[0] for word in one & other)
        expected["told"] += sum(told.get(word, (0, 0))[1] for word in one ^ other)
        for name, value in expected.items():
            assert found[name][pair] == pytest.approx(value, rel=1e-5, abs=1e-5), name
