from __future__ import annotations

import random
import unicodedata

import pytest

from eclip.products.duplicates import titles as titles_module
from eclip.products.duplicates.titles import banding, most_differing, near_titles


def drawn_titles(num: int) -> list[str | None]:
    draw = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz가나다라마바사"
    words = ["".join(draw.choices(letters, k=draw.randint(2, 8))) for _ in range(num)]
    titles = [" ".join(draw.sample(words, draw.randint(1, 9))) for _ in range(num)]
    edited = []
    for title in titles:
        parts = title.split()
        parts.insert(draw.randrange(len(parts) + 1), parts.pop(0))
        edited.append(" ".join([*parts, draw.choice(["", "", "!!", "?", "new", "men's 1,5l", "(a/b)."])]).upper())
    return [*titles, *edited, None, "", "!", "ab", "AB"]


def shingles(title: str | None) -> set[str]:
    text = (title or "").casefold().replace("'", "").replace("\u2019", "")
    kept = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in text)
    text = " ".join(kept.split())
    return {text[i : i + 3] for i in range(max(len(text) - 2, 1))} if text else set()


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9, 1.0])
@pytest.mark.slow
def test_pairs_equal_all_against_all_but_for_a_few_at_the_threshold(threshold: float) -> None:
    titles = drawn_titles(150)
    sets = [shingles(title) for title in titles]
    expected = {
        (i, j): len(sets[i] & sets[j]) / len(sets[i] | sets[j])
        for i in range(len(titles))
        for j in range(i + 1, len(titles))
        if sets[i] and sets[j] and len(sets[i] & sets[j]) >= threshold * len(sets[i] | sets[j])
    }
    found = [
        (pair, similarity)
        for block in near_titles(titles, threshold=threshold)
        for *pair, similarity in zip(block.left.tolist(), block.right.tolist(), block.similarity.tolist(), strict=True)
    ]
    assert len({tuple(pair) for pair, _ in found}) == len(found)
    for (i, j), similarity in found:
        assert similarity == pytest.approx(expected[i, j], abs=1e-6)
    assert len(found) >= 0.98 * len(expected)
    assert len(expected) > 20


@pytest.mark.slow
def test_sketches_spare_comparisons_but_lose_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    titles = drawn_titles(600)
    monkeypatch.setattr(titles_module, "banding", lambda threshold: (64, 3))  # nearly everything is a candidate

    def pairs(differing: int) -> set[tuple[int, int]]:
        monkeypatch.setattr(titles_module, "most_differing", lambda threshold: differing)
        blocks = near_titles(titles, threshold=0.7)
        return {pair for block in blocks for pair in zip(block.left.tolist(), block.right.tolist(), strict=True)}

    compared = pairs(192)
    assert pairs(most_differing(0.7)) == compared
    assert most_differing(1.0) == 0
    assert len(pairs(15)) < len(compared)  # sketches of pairs at the threshold do differ


def test_banding_misses_at_most_one_in_a_hundred_at_the_threshold() -> None:
    for threshold in (0.301, 0.4, 0.5, 0.7, 0.8, 0.95):
        num_bands, depth = banding(threshold)
        assert (1 - threshold**depth) ** num_bands <= 0.01
        assert num_bands * depth <= 192
    with pytest.raises(ValueError, match=r"threshold is 0\.1"):
        banding(0.1)
