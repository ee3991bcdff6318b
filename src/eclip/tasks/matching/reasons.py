"""Why a pair was taken for one product or for two: what agrees and what differs, in a few words.

Every phrase is a fact of the two listings, said only where it holds; those for the answer come first, and one that
speaks against it, if any, last.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eclip.tasks.matching.agreement import BARCODES
from eclip.tasks.matching.readings import Readings
from eclip.tasks.matching.wording import has_digit
from eclip.tasks.matching.wordweights import WordWeights

MAX_FOR, MAX_AGAINST = 2, 1
NEAR_PRICE, FAR_PRICE = 1.1, 1.5  # times
RARE = 0.5  # of the rarity of a word never seen, from which a word is named
ALIKE_PICTURES, UNLIKE_PICTURES = 0.9, 0.6  # cosines
LIKE_MATE = 1.0  # log odds
SETS = (("amounts", "amount"), ("colours", "colour"), ("sizes", "size"), ("audiences", "audience"))
SHOWN = 2  # members of a set


def explain(
    readings: Readings,
    evidence: Mapping[str, np.ndarray],
    words: WordWeights,
    left: np.ndarray,
    right: np.ndarray,
    same: np.ndarray,
) -> list[str]:
    """A reason for each pair.

    Args:
        readings: The listings.
        evidence: Named columns [P], as the scorer saw them.
        words: How rare words are.
        left: [P] rows.
        right: [P] rows.
        same: [P] what was decided.
    """
    pairs = zip(left.tolist(), right.tolist(), same.tolist(), strict=True)
    rarity, rare = words.rarity(readings.vocabulary), RARE * float(words.rarity([""])[0])
    return [
        _reason(
            _Pair(readings, rarity, rare, one, other),
            {name: float(values[place]) for name, values in evidence.items()},
            decided,
        )
        for place, (one, other, decided) in enumerate(pairs)
    ]


class _Pair:
    """Two listings' words, side by side."""

    def __init__(self, readings: Readings, rarity: np.ndarray, rare: float, left: int, right: int) -> None:
        self.readings, self.rarity, self.rare, self.left, self.right = readings, rarity, rare, left, right

    def members(self, view: str) -> tuple[list[str], list[str], list[str]]:
        """What both hold, the left alone, the right alone; rarest first."""
        one, other = (self._columns(view, row) for row in (self.left, self.right))
        return self._named(one & other), self._named(one - other), self._named(other - one)

    def rare_shared(self, view: str) -> list[str]:
        """Members of both that few listings have."""
        columns = self._columns(view, self.left) & self._columns(view, self.right)
        return self._named({column for column in columns if self.rarity[column] >= self.rare})

    def _columns(self, view: str, row: int) -> set[int]:
        table = self.readings.tables[view]
        return set(table.indices[table.indptr[row] : table.indptr[row + 1]].tolist())

    def _named(self, columns: set[int]) -> list[str]:
        ordered = sorted(columns, key=lambda column: (-self.rarity[column], self.readings.vocabulary[column]))
        return [self.readings.vocabulary[column] for column in ordered]


def _reason(pair: _Pair, values: Mapping[str, float], same: bool) -> str:  # noqa: FBT001 - a row of an array
    agrees: list[str] = []
    differs: list[str] = []
    _say_barcodes(values, agrees, differs)
    _say_titles(pair, values, agrees)
    _say_codes(pair, values, agrees, differs)
    _say_sets(pair, values, agrees, differs)
    _say_brands(pair, values, agrees, differs)
    _say_pictures(values, agrees, differs)
    _say_mates(values, agrees, differs)
    _say_prices(values, agrees, differs)
    _say_rare_words(pair, agrees)
    if not same:  # of one product, too, hardly two titles have the same words
        _say_words_alone(pair, differs)
    first, last = (agrees, differs) if same else (differs, agrees)
    said = first[:MAX_FOR] + last[:MAX_AGAINST]
    return ", ".join(said or [f"titles alike by {values.get('titles: common words apart', 0) / 100:.2f}"])


def _say_barcodes(values: Mapping[str, float], agrees: list[str], differs: list[str]) -> None:
    if values.get(BARCODES) == 1:
        agrees.append("same barcode")
    elif values.get(BARCODES) == 0:
        differs.append("barcodes differ")


def _say_titles(pair: _Pair, values: Mapping[str, float], agrees: list[str]) -> None:
    if values.get("titles: letters", 0) == 100 and pair.readings.titles[pair.left]:
        agrees.append("same title")


def _say_codes(pair: _Pair, values: Mapping[str, float], agrees: list[str], differs: list[str]) -> None:
    if "codes" not in pair.readings.tables:
        return
    shared, one, other = pair.members("codes")
    if shared:
        agrees.append(f"same model number {max(shared, key=len)}")
    elif values.get("codes: longest found", 0) > 0:
        length = int(values["codes: longest found"])
        found = next((code for code in (*one, *other) if len(code) == length), "")
        agrees.append(f"model number {found} in both" if found else "a model number in both")
    elif one and other:
        differs.append(f"model numbers differ ({one[0]}, {other[0]})")


def _say_sets(pair: _Pair, values: Mapping[str, float], agrees: list[str], differs: list[str]) -> None:
    for view, word in SETS:
        agreement = values.get(f"{view}: agreement", np.nan)
        if np.isnan(agreement):
            continue
        shared, one, other = pair.members(view)
        if agreement == 1:
            agrees.append(f"same {word} {' + '.join(shared[:SHOWN])}")
        elif one and other:
            differs.append(f"{view} differ ({' + '.join(one[:SHOWN])}, {' + '.join(other[:SHOWN])})")


def _say_brands(pair: _Pair, values: Mapping[str, float], agrees: list[str], differs: list[str]) -> None:
    brands = [pair.readings.brands[row] for row in (pair.left, pair.right)]
    if values.get("brands") == 1:
        agrees.append(f"same brand {brands[0]}")
    elif values.get("brands") == 0:
        differs.append(f"brands differ ({brands[0]}, {brands[1]})")


def _say_pictures(values: Mapping[str, float], agrees: list[str], differs: list[str]) -> None:
    cosine = values.get("pictures cosine", np.nan)
    if cosine >= ALIKE_PICTURES:
        agrees.append(f"pictures {cosine:.2f}")
    elif cosine <= UNLIKE_PICTURES:
        differs.append(f"pictures {cosine:.2f}")


def _say_mates(values: Mapping[str, float], agrees: list[str], differs: list[str]) -> None:
    """What other offers, told to be the same as one of the two, say of the other one; in log odds."""
    if values.get("known mates: best", np.nan) > LIKE_MATE:
        agrees.append("like an offer known to be the same")
    elif values.get("known mates: best", np.nan) < -LIKE_MATE:
        differs.append("unlike the offers known to be the same")


def _say_prices(values: Mapping[str, float], agrees: list[str], differs: list[str]) -> None:
    times = np.exp(values.get("prices: log ratio", np.nan))
    if times <= NEAR_PRICE:
        agrees.append(f"prices {100 * (times - 1):.0f} % apart")
    elif times >= FAR_PRICE:
        differs.append(f"one costs {times:.1f} times the other")


def _say_rare_words(pair: _Pair, agrees: list[str]) -> None:
    rare = pair.rare_shared("words")[:SHOWN]
    if rare:
        agrees.append("both say " + " ".join(rare))


def _say_words_alone(pair: _Pair, differs: list[str]) -> None:
    _, one, other = pair.members("words")
    alone = [next((word for word in side if has_digit(word)), side[0] if side else "") for side in (one, other)]
    if alone[0] and alone[1]:
        differs.append(f"{alone[0]} against {alone[1]}")
    elif any(alone):
        differs.append(f"only one says {alone[0] or alone[1]}")
