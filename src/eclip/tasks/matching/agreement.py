"""How far two listings agree, in numbers: words by rarity, codes, amounts, colours, sizes, brands, prices, fields.

Everything is symmetric: a pair has the same numbers in either order. What can't be said of a pair is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from eclip.tasks.matching.readings import Readings

PAIRS_AT_ONCE = 50_000
BARCODES = "barcodes"  # the column that proves most, where there are any
LONG_TEXT = 400  # characters of a field that are compared letter by letter
Columns = dict[str, np.ndarray]


def agreement(
    readings: Readings, rarity: np.ndarray, left: np.ndarray, right: np.ndarray, fields: Sequence[str]
) -> Columns:
    """Named columns [P] float32 of pairs.

    Args:
        readings: The listings.
        rarity: [V] of their vocabulary.
        left: [P] rows.
        right: [P] rows.
        fields: Which further fields are compared one by one.
    """
    parts = [
        _part(readings, rarity, left[start : start + PAIRS_AT_ONCE], right[start : start + PAIRS_AT_ONCE], fields)
        for start in range(0, max(1, len(left)), PAIRS_AT_ONCE)
    ]
    return {name: np.concatenate([part[name] for part in parts]).astype(np.float32) for name in parts[0]}


def _part(
    readings: Readings, rarity: np.ndarray, left: np.ndarray, right: np.ndarray, fields: Sequence[str]
) -> Columns:
    out: Columns = {}
    for view in ("words", "pieces", "texts"):
        out |= _words(view, readings.tables[view], rarity, left, right)
    for view in ("numbers", "codes", "amounts", "colours", "sizes", "audiences"):
        out |= _sets(view, readings.tables[view], rarity, left, right)
    out |= _codes(readings, left, right)
    out |= _letters("titles", readings.titles, left, right)
    out |= _crossing(readings, rarity, left, right)
    out |= _brands(readings, left, right)
    out |= _prices(readings.prices, left, right)
    out[BARCODES] = _barcodes(readings.barcodes, left, right)
    for name in fields:
        texts = readings.fields.get(name, [""] * len(readings))
        out |= _field(name, texts, left, right)
    return out


def _words(view: str, table: sparse.csr_matrix, rarity: np.ndarray, left: np.ndarray, right: np.ndarray) -> Columns:
    """Overlap of words, each weighed by its rarity; the rarest that is shared and that stands on one side alone."""
    from eclip.tasks.matching.pair_loops import compare_sets

    _, _, _, both, a, b, squares, a_squares, b_squares, most, *rarest = compare_sets(
        table.indptr, table.indices, rarity, left, right
    )
    out = {
        "weighted overlap": both / np.maximum(a + b - both, 1e-6),
        "cosine of words": squares / np.maximum(np.sqrt(a_squares * b_squares), 1e-6),
        "containment": both / np.maximum(np.minimum(a, b), 1e-6),
        "containment of the longer": both / np.maximum(np.maximum(a, b), 1e-6),
        "rarest shared": most,
        "rarity shared": both,
        "rarest alone, less": np.minimum(*rarest),
        "rarest alone, more": np.maximum(*rarest),
        "rarity alone, less": np.minimum(a, b) - both,
        "rarity alone, more": np.maximum(a, b) - both,
    }
    return {f"{view}: {name}": values for name, values in out.items()}


def _sets(view: str, table: sparse.csr_matrix, rarity: np.ndarray, left: np.ndarray, right: np.ndarray) -> Columns:
    """Shared and unshared members of small sets; NaN where a side has none."""
    from eclip.tasks.matching.pair_loops import compare_sets

    shared, a, b, *_, most, _, _ = compare_sets(table.indptr, table.indices, rarity, left, right)
    known = (a > 0) & (b > 0)
    out = {
        "shared": shared,
        "agreement": np.where(known, shared / np.maximum(a + b - shared, 1), np.nan),
        "alone, less": np.where(known, np.minimum(a, b) - shared, np.nan),
        "alone, more": np.maximum(a, b) - shared,
        "rarest shared": most,
    }
    return {f"{view}: {name}": values for name, values in out.items()}


def _codes(readings: Readings, left: np.ndarray, right: np.ndarray) -> Columns:
    """Codes of one listing inside all that the other says, and how alike the codes are, letter by letter."""
    from rapidfuzz import fuzz

    found, longest = np.full((len(left), 2), np.nan), np.zeros(len(left))
    has = np.array([bool(codes) for codes in readings.codes], dtype=bool)
    for side, (asked, among) in enumerate(((left, right), (right, left))):
        pairs = np.flatnonzero(has[asked])
        for pair, one, other in zip(pairs.tolist(), asked[pairs].tolist(), among[pairs].tolist(), strict=True):
            codes, text = readings.codes[one], readings.squashed[other]
            hits = [len(code) for code in codes if code in text]
            found[pair, side] = len(hits) / len(codes)
            longest[pair] = max(longest[pair], *hits, 0)
    texts = [" ".join(codes) for codes in readings.codes]
    return {
        "codes: found, less": _less(found),
        "codes: found, more": _more(found),
        "codes: longest found": longest,
        "codes: alike": _ratios(texts, left, right, fuzz.ratio),
        "codes: best part alike": _ratios(texts, left, right, fuzz.partial_ratio),
    }


def _letters(name: str, texts: Sequence[str], left: np.ndarray, right: np.ndarray) -> Columns:
    """Ratios of letters: as they stand, words in order, common words apart, beginnings; and lengths."""
    from rapidfuzz import distance, fuzz

    scorers = {
        "letters": fuzz.ratio,
        "words in order": fuzz.token_sort_ratio,
        "common words apart": fuzz.token_set_ratio,
        "first letters": distance.JaroWinkler.normalized_similarity,
    }
    out = {f"{name}: {key}": _ratios(texts, left, right, scorer, empty=True) for key, scorer in scorers.items()}
    lengths = np.array([len(text.split()) for text in texts], dtype=np.float32)
    out[f"{name}: shorter length"] = np.minimum(lengths[left], lengths[right])
    out[f"{name}: longer length"] = np.maximum(lengths[left], lengths[right])
    return out


def _crossing(readings: Readings, rarity: np.ndarray, left: np.ndarray, right: np.ndarray) -> Columns:
    """Share of each title's words, by rarity, that the other listing says anywhere."""
    from eclip.tasks.matching.pair_loops import shared_weight

    titles, texts = readings.tables["words"], readings.tables["texts"]
    total = np.maximum(titles @ rarity, 1e-6)
    tables = (titles.indptr, titles.indices, texts.indptr, texts.indices, rarity)
    inside = [shared_weight(*tables, one, other) / total[one] for one, other in ((left, right), (right, left))]
    return {"title within all, less": np.minimum(*inside), "title within all, more": np.maximum(*inside)}


def _brands(readings: Readings, left: np.ndarray, right: np.ndarray) -> Columns:
    """1: brands agree; .5: one stands in what the other says; 0: both given, and differ; -.5: one given; else NaN."""
    heads = [text.split(" ", 1)[0] for text in readings.titles]
    brands, squashed = readings.brands, readings.squashed
    out, head = np.full(len(left), np.nan), np.zeros(len(left))
    for pair, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        a, b = brands[one], brands[other]
        head[pair] = heads[one] == heads[other]
        if (a and a in squashed[other]) or (b and b in squashed[one]):
            out[pair] = 1.0 if a == b else 0.5
        elif a or b:
            out[pair] = 0.0 if a and b else -0.5
    return {"brands": out, "first words": head}


def _prices(prices: np.ndarray, left: np.ndarray, right: np.ndarray) -> Columns:
    """Absolute log ratio of the prices, NaN where one is not given or 0."""
    logs = np.log(np.where(prices > 0, prices, np.nan))
    return {"prices: log ratio": np.abs(logs[left] - logs[right])}


def _barcodes(barcodes: Sequence[str], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """1 where they are the same, 0 where they differ, NaN where one is not given."""
    pairs = [(barcodes[one], barcodes[other]) for one, other in zip(left.tolist(), right.tolist(), strict=True)]
    return np.array([float(a == b) if a and b else np.nan for a, b in pairs], dtype=np.float32)


def _field(name: str, texts: Sequence[str], left: np.ndarray, right: np.ndarray) -> Columns:
    """How alike one further field is; NaN where a side lacks it."""
    from rapidfuzz import fuzz

    short = [text[:LONG_TEXT] for text in texts]
    scorers = {"letters": fuzz.ratio, "common words apart": fuzz.token_set_ratio}
    return {f"{name} (field): {key}": _ratios(short, left, right, scorer) for key, scorer in scorers.items()}


def _ratios(texts: Sequence[str], left: np.ndarray, right: np.ndarray, scorer: Any, *, empty: bool = False) -> Any:
    """A ratio [P] of rapidfuzz of texts [N] by pairs; NaN where one is empty, unless `empty` ones are compared too."""
    from rapidfuzz import process

    there = np.array([empty or bool(text) for text in texts], dtype=bool)
    known = np.flatnonzero(there[left] & there[right])
    out = np.full(len(left), np.nan, dtype=np.float32)
    if len(known):
        column = np.array(texts, dtype=object)
        out[known] = process.cpdist(column[left[known]].tolist(), column[right[known]].tolist(), scorer=scorer)
    return out


def _less(sides: np.ndarray) -> np.ndarray:
    return np.fmin(sides[:, 0], sides[:, 1])


def _more(sides: np.ndarray) -> np.ndarray:
    return np.fmax(sides[:, 0], sides[:, 1])
