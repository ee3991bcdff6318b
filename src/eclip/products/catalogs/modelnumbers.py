"""Model numbers inside titles: tokens of letters and digits that name one product, learned from the feed.

"sony kd 55xf8596 4k tv" holds kd55xf8596 and 4k. What tells them apart is not the shape alone: "iq300",
"android7" and "speedmatic45" look like model numbers too, but one seller writes them on several of its items, or they
stand under several brands. A weaker shape ("tqfa10s", "note12") must be proven: several sellers write it, each on one
item, all of one brand. A market's letters are taken off a number (`regions`).
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from eclip.products.catalogs.quantities import is_quantity
from eclip.products.catalogs.regions import region_stems
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
_MIN_WEAK_CHARS = 6
_PROVING_SELLERS = 3  # of a weak shape


def looks_like_model_number(token: str) -> bool:
    """Whether letters and digits (a to z, 0 to 9, joined) may be a model number by their shape alone."""
    digits = len(_DIGIT.findall(token))
    if not _MIN_CHARS <= len(token) <= _MAX_CHARS or digits < 2 or digits == len(token):
        return False
    if _WORD_AND_SHORT_NUMBER.fullmatch(token) or _NUMBER_AND_WORD.fullmatch(token) or is_quantity(token):
        return False
    return digits >= 3 or _changes(token) >= 3


def has_weak_shape(token: str) -> bool:
    """Whether letters and digits may be a model number if sellers use it as one: "tqfa10s", "adl211"."""
    digits = len(_DIGIT.findall(token))
    if not _MIN_WEAK_CHARS <= len(token) <= _MAX_CHARS or digits < 2 or digits == len(token):
        return False
    return not _NUMBER_AND_WORD.fullmatch(token) and not is_quantity(token)


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
        if token in known
        or (
            _names_one_item(rows, words.folded, sellers, brands)
            if looks_like_model_number(token)
            else _is_proven(rows, sellers, brands)
        )
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
                shaped[token] = joined in known or looks_like_model_number(joined) or has_weak_shape(joined)
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


def _is_proven(rows: Sequence[int], sellers: np.ndarray, brands: np.ndarray) -> bool:
    """Whether a weak shape names one item: three sellers or more, none of them twice, all of one known brand.

    "android12" and "serie45x" are on several items of a seller, or under several brands.
    """
    own = np.unique(brands[np.asarray(rows)])
    num_sellers = len(set(sellers[np.asarray(rows)].tolist()))
    return _PROVING_SELLERS <= num_sellers == len(rows) and len(own) == 1 and bool(own[0] >= 0)


def truncated_numbers(numbers: Sequence[str | None]) -> set[str]:
    """Short numbers that other titles continue: "g4203i" beside "g4203iwh" is a series, or a model cut off.

    Which of its items a title means that writes the short form alone can't be told. (Tails of regions are off already.)
    """
    ordered = sorted({number for number in numbers if number})
    return {one for one, later in itertools.pairwise(ordered) if len(one) < _TRUNCATED_CHARS and later.startswith(one)}
