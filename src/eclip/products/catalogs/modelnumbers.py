"""Model numbers inside titles: tokens of letters and digits that name one product, learned from the feed.

"sony kd 55xf8596 4k tv" holds kd55xf8596 and 4k. What tells them apart is not the shape alone: "iq300",
"android7" and "speedmatic45" look like model numbers too, but one seller writes them on several of its items, or they
stand under several brands. Where one seller lists `ue49m5520` and others `ue49m5520akxxu`, the tail is a
region's: a tail is taken off if it follows several numbers and no seller has both forms.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from eclip.products.catalogs.quantities import is_quantity
from eclip.products.catalogs.titles import TitleWords

_TOKEN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MAX_CHARS = 20
_MIN_CHARS = 5
_TRUNCATED_CHARS = 8  # a number of so many names one item even where others go on
_WORD_AND_SHORT_NUMBER = re.compile(r"[a-z]{3,}\d{1,3}")  # "android7", "serie4", "note8"
_NUMBER_AND_WORD = re.compile(r"\d+[a-z]{4,}")  # "720pixels", "1smartphone"
_DIGIT = re.compile(r"\d")
_JOINED = (2, 3, 4)  # sellers write "tx 43e302b", "g 4203 i" and "r 242 in w"
_REPEATS_SHARE = 0.1  # of a token's listings: more by sellers that use it twice, and it names no single item
_OTHER_BRANDS_SHARE = 0.2
_MIN_STEM_CHARS = 8
_MIN_TAIL_CHARS = 2
_MIN_TAIL_STEMS = 3


def looks_like_model_number(token: str) -> bool:
    """Whether letters and digits (a to z, 0 to 9, joined) may be a model number by their shape alone."""
    digits = len(_DIGIT.findall(token))
    if not _MIN_CHARS <= len(token) <= _MAX_CHARS or digits < 2 or digits == len(token):
        return False
    if _WORD_AND_SHORT_NUMBER.fullmatch(token) or _NUMBER_AND_WORD.fullmatch(token) or is_quantity(token):
        return False
    return digits >= 3 or _changes(token) >= 3


def _changes(token: str) -> int:
    """How often letters turn to digits or back."""
    return sum(a.isdigit() != b.isdigit() for a, b in itertools.pairwise(token))


def title_model_numbers(
    words: TitleWords, *, sellers: np.ndarray, brands: np.ndarray, known: Iterable[str] = ()
) -> list[str | None]:
    """The model number that each title names, as `normal_model_number` writes it; None where there is none.

    Args:
        words: N titles.
        sellers: [N] int64 seller codes; -1 = not known, which counts as one and the same seller.
        brands: [N] int64 brand codes, -1 = not known.
        known: Model numbers of the feed's own column: these need no further proof.
    """
    known = frozenset(known)
    candidates = _candidates(words, known)
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, tokens in enumerate(candidates):
        for token in tokens:
            rows_of[token].append(row)
    good = {
        token
        for token, rows in rows_of.items()
        if token in known or _names_one_item(rows, words.folded, sellers, brands)
    }
    chosen = [max((t for t in tokens if t in good), key=lambda t: (len(t), t), default=None) for tokens in candidates]
    stems = region_stems(chosen, sellers)
    return [stems.get(token, token) if token else None for token in chosen]


def _candidates(words: TitleWords, known: frozenset[str]) -> list[tuple[str, ...]]:
    """Tokens that may be model numbers: as one word, with hyphens, or joined of words if written as one elsewhere."""
    tokens_of = [_TOKEN.findall(title) if _DIGIT.search(title) else [] for title in words.folded]
    shaped: dict[str, bool] = {}
    for tokens in tokens_of:
        for token in tokens:
            if token not in shaped:
                joined = token.replace("-", "")
                shaped[token] = joined in known or looks_like_model_number(joined)
    vocabulary = {token.replace("-", "") for token, fine in shaped.items() if fine} | known
    out: list[tuple[str, ...]] = []
    for row, tokens in enumerate(tokens_of):
        found = {token.replace("-", "") for token in tokens if shaped[token]}
        if tokens:
            parts = words.row_words(row)
            found |= {
                joined
                for length in _JOINED
                for start in range(len(parts) - length + 1)
                if (joined := "".join(parts[start : start + length])) in vocabulary
            }
        out.append(tuple(found))
    return out


def _names_one_item(rows: Sequence[int], titles: Sequence[str], sellers: np.ndarray, brands: np.ndarray) -> bool:
    """Whether listings that share a token can be offers of one item: few sellers twice, one brand."""
    if len(rows) == 1:
        return True
    of_seller = sellers[np.asarray(rows)].tolist()
    offers = {(seller, titles[row]) for seller, row in zip(of_seller, rows, strict=True)}
    if len(offers) - len(set(of_seller)) > _REPEATS_SHARE * len(rows):
        return False
    of_brand = brands[np.asarray(rows)]
    counts = np.bincount(of_brand[of_brand >= 0])
    return not len(counts) or bool(counts.sum() - counts.max() <= _OTHER_BRANDS_SHARE * counts.sum())


def truncated_numbers(numbers: Sequence[str | None]) -> set[str]:
    """Short numbers that other titles continue: "g4203i" beside "g4203iwh" is a series, or a model cut off.

    Which of its items a title means that writes the short form alone can't be told. (Tails of regions are off already.)
    """
    ordered = sorted({number for number in numbers if number})
    return {one for one, later in itertools.pairwise(ordered) if len(one) < _TRUNCATED_CHARS and later.startswith(one)}


def region_stems(numbers: Sequence[str | None], sellers: np.ndarray) -> dict[str, str]:
    """Model numbers that are another one and a region's tail: "ue49m5520akxxu" -> "ue49m5520".

    A tail counts if it follows at least three known numbers and no seller lists any of them in both forms: a
    seller with both has two items (a colour code, a size). Without sellers nothing can be told and nothing is cut.
    """
    sellers_of: dict[str, set[int]] = defaultdict(set)
    for number, seller in zip(numbers, sellers.tolist(), strict=True):
        if number and seller >= 0:
            sellers_of[number].add(seller)
    stems_of_tail: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    pairs = []
    for number, own in sellers_of.items():
        for cut in range(_MIN_STEM_CHARS, len(number) - _MIN_TAIL_CHARS + 1):
            stem, tail = number[:cut], number[cut:]
            if stem in sellers_of:
                stems_of_tail[tail].append((stem, bool(own & sellers_of[stem])))
                pairs.append((number, stem, tail))
    regions = {
        tail
        for tail, stems in stems_of_tail.items()
        if len(stems) >= _MIN_TAIL_STEMS and not any(both for _, both in stems)
    }
    stems = {}
    for number, stem, tail in sorted(pairs, key=lambda pair: (len(pair[1]), pair)):  # the longest stem is kept last
        if tail in regions:
            stems[number] = stem
    return {number: _root(stem, stems) for number, stem in stems.items()}


def _root(stem: str, stems: dict[str, str]) -> str:
    while stem in stems:
        stem = stems[stem]
    return stem
