"""Words: what counts as one, and how they rank, against the formula said slowly."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eclip.search.bm25 import K1, B, WordIndex
from eclip.search.termrows import TermRows
from eclip.search.tokens import Tokenizer, knows_morphemes

TITLES = [
    "나이키 에어맥스270 운동화",
    "Red mug AT-5369-RE1, 350ml",
    "red red lamp",
    "아디다스 삼바 운동화 화이트",
    "Crème brûlée dish",
    "",
]


def index(titles=TITLES, *, with_morphemes=False) -> WordIndex:
    tokenize = Tokenizer(with_morphemes=with_morphemes)
    return WordIndex(TermRows.of(titles, tokenize), tokenize)


def found(text: str, **how) -> list[int]:
    scores = index(**how).scores(text)
    return [int(row) for row in np.argsort(-scores, kind="stable") if scores[row] > 0]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("에어", [0]),
        ("에어맥스", [0]),
        ("270", [0]),
        ("운동화", [0, 3]),
        ("화이트 운동화", [3, 0]),
        ("at5369re1", [1]),
        ("AT-5369-RE1", [1]),
        ("5369", [1]),
        ("350ML", [1]),
        ("RED", [2, 1]),
        ("crème", [4]),
        ("ｒｅｄ　ｍｕｇ", [1, 2]),
        ("nothing !?", []),
        ("", []),
    ],
)
def test_finds(text, rows):
    assert found(text) == rows


@pytest.mark.slow
def test_morphemes_stand_before_shared_letters():
    if not knows_morphemes():
        pytest.skip("kiwipiepy is not installed: pip install 'eclip[search]'")
    titles = ["방수 등산화 남성", "보습 크림", "동화 전집"]
    assert found("동화", titles=[*titles, "운동화"], with_morphemes=True)[0] == 2
    assert found("에어", with_morphemes=True) == [0]


def test_equals_the_formula():
    tokenize = Tokenizer(with_morphemes=False)
    cut = [tokenize(title) for title in TITLES]
    mean_length = sum(map(len, cut)) / len(cut)

    def bm25(query: str, terms: list[str]) -> float:
        score = 0.0
        for term in set(tokenize(query)):
            holding, count = sum(term in each for each in cut), terms.count(term)
            idf = math.log(1 + (len(cut) - holding + 0.5) / (holding + 0.5))
            score += idf * count * (K1 + 1) / (count + K1 * (1 - B + B * len(terms) / mean_length))
        return score

    for query in ("red mug lamp", "에어맥스 운동화 red", "dish dish"):
        expected = [bm25(query, terms) for terms in cut]
        np.testing.assert_allclose(index().scores(query), expected, rtol=1e-5)


def test_known_terms_are_taken_and_those_of_lost_texts_forgotten():
    calls = []

    class Counted(Tokenizer):
        def __call__(self, text):
            calls.append(text)
            return super().__call__(text)

    tokenize = Counted(with_morphemes=False)
    before = TermRows.of(TITLES, tokenize)
    calls.clear()
    later = [*TITLES[2:], "blue dish"]
    after = TermRows.of(later, tokenize, TermRows.from_arrays(before.to_arrays()))
    assert calls == ["blue dish"]
    assert sorted(after.vocabulary) == sorted(TermRows.of(later, tokenize).vocabulary)
    for query in ("red dish", "운동화"):
        anew = WordIndex(TermRows.of(later, tokenize), tokenize)
        np.testing.assert_allclose(WordIndex(after, tokenize).scores(query), anew.scores(query), rtol=1e-6)


def test_a_long_text_is_cut_short():
    assert len(Tokenizer(with_morphemes=False)("a1 " * 100_000)) < 2_000
