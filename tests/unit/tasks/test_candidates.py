"""Candidates are those that a search of everything finds: by vectors, by rare words, by barcode."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eclip.tasks.features import search_vectors
from eclip.tasks.matching.candidates import NEIGHBOURS, Candidates, pairs_of
from eclip.tasks.matching.features import PairSource

CODES = ("4006381333931", "4 006381 333931")


def drawn(rows: int, seed: int) -> PairSource:
    """Every fourth lacks its picture, every fifth its title; the last lacks both."""
    shuffled = np.random.default_rng(seed)
    image, text = (shuffled.normal(size=(rows, 6)).astype(np.float32) for _ in range(2))
    image, text = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (image, text))
    words = np.array([f"word{number}" for number in range(30)])
    titles: list[str | None] = [" ".join(shuffled.choice(words, 4)) for _ in range(rows)]
    image[::4] = image[-1] = text[::5] = text[-1] = np.nan
    for row in [*range(0, rows, 5), rows - 1]:
        titles[row] = None
    return PairSource(titles=titles, image_vectors=image, text_vectors=text)


def by_vectors(asked: PairSource, among: PairSource, modality: str, row: int, itself: int) -> set[int]:
    queries, there = search_vectors(asked.image_vectors, asked.text_vectors, modality)
    corpus, present = search_vectors(among.image_vectors, among.text_vectors, modality)
    if not there[row]:
        return set()
    order = np.argsort(-(corpus @ queries[row]), kind="stable")
    return set([each for each in order.tolist() if present[each] and each != itself][:NEIGHBOURS])


def by_words(asked: PairSource, among: PairSource, row: int, itself: int) -> list[tuple[float, int]]:
    """Cosine of titles as bags of words, each weighed by ln((N + 1) / titles that hold it); all that are above 0."""
    bags = [set((title or "").split()) for title in among.titles]
    weigh = {word: np.log((len(bags) + 1) / sum(word in bag for bag in bags)) for word in set().union(*bags)}
    own = {word for word in (asked.titles[row] or "").split() if word in weigh}
    scores = [
        sum(weigh[word] ** 2 for word in own & bag) / max(sum(weigh[word] ** 2 for word in bag) ** 0.5, 1e-9)
        for bag in bags
    ]
    return sorted(((score, other) for other, score in enumerate(scores) if score > 0 and other != itself), reverse=True)


def test_candidates_are_what_a_search_of_everything_finds():
    among, asked = drawn(60, 0), drawn(20, 1)
    itself = np.arange(40, 60)
    for source, own in ((asked, np.full(20, -1)), (among.take(itself), itself)):
        near = Candidates.of_source(among).near(source, own_rows=own)
        for row in range(20):
            found = set(near[row].tolist()) - {-1}
            expected = by_vectors(source, among, "image", row, own[row]) | by_vectors(
                source, among, "both", row, own[row]
            )
            if not source.has["image"][row]:
                expected |= by_vectors(source, among, "text", row, own[row])
            assert expected <= found
            said = by_words(source, among, row, own[row])
            bar = said[NEIGHBOURS - 1][0] if len(said) >= NEIGHBOURS else 0.0
            assert {other for score, other in said if score > bar + 1e-5} <= found
            assert found <= expected | {other for score, other in said if score >= bar - 1e-5}
        assert set(near[-1].tolist()) == {-1}
    left, right = pairs_of(np.array([[3, -1, 3, 2], [-1, -1, -1, -1], [7, 7, 7, 7]]))
    assert (left.tolist(), right.tolist()) == ([0, 0, 2], [2, 3, 7])


def test_a_barcode_leads_to_a_listing_that_nothing_else_leads_to():
    nothing = np.full((30, 2), np.nan, dtype=np.float32)
    titles = [f"acme kettle {number}" for number in range(30)]
    records = [{"gtin": CODES[0]} if n in (28, 29) else {} for n in range(30)]
    source = PairSource(titles=titles, image_vectors=nothing, text_vectors=nothing, records=records)
    candidates = Candidates.of_source(source)
    asked = replace(source.take(np.array([0])), titles=["wasserkocher"], records=[{"gtin": CODES[1]}])
    assert candidates.near(asked)[0, 0] == 28
    assert candidates.near(asked, own_rows=np.array([28]))[0, 0] == 29  # not itself
    wrong = replace(asked, records=[{"gtin": "4006381333932"}])  # no barcode: the check digit is wrong
    assert set(candidates.near(wrong)[0].tolist()) == {-1}
