"""Evidence that listings are of one item: each kind puts rows into groups, strongest kind first.

A group says "these may be one item, for this reason"; `assign` decides, against what contradicts it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eclip.products.catalogs.lexicon import COLOUR_OF, COMMON_TITLE_WORDS, SIZE_OF
from eclip.products.catalogs.quantities import is_quantity, numbers
from eclip.products.catalogs.titles import TitleWords, spread

GIVEN = "given"
BARCODE = "same barcode"
MODEL_NUMBER = "same brand and model number"
TITLE_MODEL_NUMBER = "same model number in title"
PICTURE = "same picture and agreeing title"
TITLE = "same title"

_WEAK_NUMBER_CHARS = 5  # a model number shorter than this, or of digits alone, needs its brand
_RARE_TITLES = 12  # a word under more different titles than this names no single item ...
_RARE_SHARE = 2e-5  # ... or under more than this share of them, in a large feed
PRICE_RATIO = 2.0
_AGREEMENT = 0.4  # of two titles' words, by weight


@dataclass(frozen=True)
class Group:
    """Rows that one piece of evidence holds together.

    Attributes:
        key: What they share, as a catalog made of it is called: "gtin:08801234567893".
        rows: Their positions, at least two.
    """

    key: str
    rows: list[int]


def groups_of(prefix: str, values: Sequence[str | None]) -> list[Group]:
    """Rows that share a value."""
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        if value is not None:
            rows_of[value].append(row)
    return [Group(f"{prefix}:{value}", rows) for value, rows in rows_of.items() if len(rows) > 1]


def model_keys(model_numbers: Sequence[str | None], brands: np.ndarray, brand_names: Sequence[str]) -> list[str | None]:
    """The key brand:number for each row whose model number says which item it is.

    A listing without a brand takes the only one that its number has in the feed; a number of several brands
    counts for each brand alone, and a weak one ("9320") for listings with a brand only.
    """
    brands_of: dict[str, set[int]] = defaultdict(set)
    codes = brands.tolist()
    for number, brand in zip(model_numbers, codes, strict=True):
        if number is not None and brand >= 0:
            brands_of[number].add(brand)
    out: list[str | None] = []
    for number, brand in zip(model_numbers, codes, strict=True):
        if number is None:
            out.append(None)
            continue
        known = brands_of[number]
        weak = len(number) < _WEAK_NUMBER_CHARS or number.isdigit()
        if brand < 0 and not weak and len(known) <= 1:
            brand = next(iter(known), -1)
            out.append(f"{brand_names[brand]}:{number}" if brand >= 0 else f":{number}")
        else:
            out.append(f"{brand_names[brand]}:{number}" if brand >= 0 else None)
    return out


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What stands beside each title: who offers it, at what price, with which picture; [N] codes.

    Attributes:
        sellers: -1 = not known; all such rows count as one seller's.
        prices: NaN = not known.
        pictures: -1 = none.
    """

    sellers: np.ndarray
    prices: np.ndarray
    pictures: np.ndarray


def rare_words(words: TitleWords, keys: Sequence[str]) -> np.ndarray:
    """[W] bool: words that stand under few enough different titles to tell one item from others.

    Colours, sizes, quantities, promotions and short numbers never do.
    """
    number_of: dict[str, int] = {}
    titles = np.fromiter((number_of.setdefault(key, len(number_of)) for key in keys), dtype=np.int64, count=len(keys))
    under = spread(words, titles)
    limit = max(_RARE_TITLES, _RARE_SHARE * len(words))
    telling = np.array([_may_tell(word) for word in words.words], dtype=bool)
    return telling & (under <= limit)


def _may_tell(word: str) -> bool:
    plain = word in COLOUR_OF or word in SIZE_OF or word in COMMON_TITLE_WORDS
    return not plain and not is_quantity(word) and not (word.isdigit() and len(word) < 4) and len(word) > 1


def title_keys(words: TitleWords) -> list[str]:
    """Titles as they are compared: the words in their order, without promotions and signs; "" = nothing left."""
    kept = [None if word in COMMON_TITLE_WORDS else word for word in words.words]
    return [" ".join(word for code in words.row(row) if (word := kept[code]) is not None) for row in range(len(words))]


def title_groups(
    words: TitleWords, keys: Sequence[str], rare: np.ndarray, offers: Offers, repeated: np.ndarray
) -> list[list[int]]:
    """Rows of one title, where that title says which item it is.

    Refused are titles of one word or without a rare one ("built in dishwasher"), those that one seller
    repeats for other items (`repeated`: one jeweller's "silver earrings" on dozens), and those with prices too far
    apart.
    """
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        if key:
            rows_of[key].append(row)
    return [
        rows
        for rows in rows_of.values()
        if len(rows) > 1
        and any(rare[code] for code in words.row(rows[0]))
        and len(set(words.row(rows[0]))) > 1
        and not repeated[rows].any()
        and _prices_agree(rows, offers.prices)
    ]


def repeated_rows(keys: Sequence[str], offers: Offers) -> np.ndarray:
    """[N] bool: rows whose whole title their seller lists again, for another item as far as can be told.

    Another picture or price tells it, and so does having neither to compare: "a6200 led tv" of one seller is three
    sizes of television. Such a title is a kind of item's, and nothing in it, a number neither, names one.

    Args:
        keys: [N] titles as they are compared (`title_keys`), "" = none.
        offers: What stands beside them.
    """
    rows_of: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row, (seller, key) in enumerate(zip(offers.sellers.tolist(), keys, strict=True)):
        if key:
            rows_of[seller, key].append(row)
    out = np.zeros(len(keys), dtype=bool)
    for rows in rows_of.values():
        if len(rows) > 1 and _are_several_items(offers.pictures[rows], offers.prices[rows]):
            out[rows] = True
    return out


def _are_several_items(pictures: np.ndarray, prices: np.ndarray) -> bool:
    """Whether listings of one title and seller are of several items: unless pictures and prices say they are one.

    All are looked at together: compared with the first alone, the answer would hang on which that is.

    Args:
        pictures: [n] codes, negative where there is none.
        prices: [n], NaN where there is none.
    """
    shown, priced = pictures >= 0, ~np.isnan(prices)
    if len(np.unique(pictures[shown])) > 1 or len(np.unique(prices[priced])) > 1:
        return True
    if not (shown | priced).all():
        return True  # nothing to compare that one by
    # Of one picture and one price: a listing with both joins those that have either.
    return not (shown.all() or priced.all() or (shown & priced).any())


def _prices_agree(rows: Sequence[int], prices: np.ndarray) -> bool:
    known = prices[np.asarray(rows)]
    known = known[known > 0]
    return not len(known) or bool(known.max() <= PRICE_RATIO * known.min())


def agreeing_pairs(pairs: np.ndarray, words: TitleWords, rare: np.ndarray, prices: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of rows with near-duplicate pictures whose titles agree as well.

    Titles agree when they have the same numbers, and share enough of their words, by weight: a rare word weighs
    three times as much as another, promotions and colours weigh nothing.

    Args:
        pairs: [P, 2] row positions.
        words: N titles.
        rare: [W] which words tell one item from others.
        prices: [N] NaN = not known.
    """
    weight = np.where(rare, 3.0, 1.0)
    weight[[not _may_tell(word) for word in words.words]] = 0.0
    weights = weight.tolist()
    asked = prices[pairs]
    known = (asked > 0).all(axis=1)
    fine = ~known | (asked.max(axis=1, initial=0) <= PRICE_RATIO * asked.min(axis=1, initial=np.inf))
    out = []
    for left, right in pairs[fine & (pairs[:, 0] != pairs[:, 1])].tolist():
        one, other = set(words.row(left)), set(words.row(right))
        all_weight = sum(weights[code] for code in one | other)
        if not all_weight or sum(weights[code] for code in one & other) < _AGREEMENT * all_weight:
            continue
        if numbers(words.words[code] for code in one) == numbers(words.words[code] for code in other):
            out.append((left, right))
    return out
