"""Which brand a listing is of: given, or named in its title."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from eclip.products.catalogs.lexicon import COLOUR_OF, COMMON_TITLE_WORDS, GENERIC_MODEL_WORDS
from eclip.products.catalogs.titles import TitleWords

_NOT_ALNUM = re.compile(r"[\W_]+")
_MIN_HEADS = 5  # titles that begin with a word before it is taken for a brand
_HEAD_SHARE = 0.6  # of the titles with a word that begin with it


def normal_brand(text: str | None) -> str | None:
    """A brand as it is compared: "Coca-Cola" = "coca cola"; None for stand-ins ("No Brand", "N/A", "없음")."""
    joined = _NOT_ALNUM.sub("", text.casefold()) if text else ""
    return joined if joined and joined not in GENERIC_MODEL_WORDS else None


def brand_codes(brands: Sequence[str | None], words: TitleWords) -> tuple[np.ndarray, list[str]]:
    """A brand for each listing and the brands' names.

    Without a brand of its own a listing has the one that its title names, if just one; names come from the
    brand column, or, where the feed has none, from the words that titles begin with.

    Returns:
        [N] int64 codes (-1 = not known) and the names that they number.
    """
    given = [normal_brand(brand) for brand in brands]
    names: dict[str, int] = {}
    for name in given:
        if name is not None:
            names.setdefault(name, len(names))
    known = set(names) if names else _heads(words)
    word_brand = [word if word in known and len(word) > 1 else None for word in words.words]
    out = np.full(len(given), -1, dtype=np.int64)
    for row, name in enumerate(given):
        if name is None:
            named = {brand for code in words.row(row) if (brand := word_brand[code]) is not None}
            name = named.pop() if len(named) == 1 else None
        if name is not None:
            out[row] = names.setdefault(name, len(names))
    return out, list(names)


def _heads(words: TitleWords) -> set[str]:
    """Words that mostly stand at the head of titles."""
    lengths = np.diff(words.offsets)
    heads = np.bincount(words.codes[words.offsets[:-1][lengths > 0]], minlength=len(words.words))
    every = np.bincount(words.codes, minlength=len(words.words))
    fine = np.flatnonzero((heads >= _MIN_HEADS) & (heads >= _HEAD_SHARE * every))
    named = (words.words[code] for code in fine.tolist())
    return {word for word in named if word.isalpha() and word not in COLOUR_OF and word not in COMMON_TITLE_WORDS}


def brand_aliases(gtins: Sequence[str | None], codes: np.ndarray, *, at_least: int = 3) -> np.ndarray:
    """One code for brands that share barcodes: sellers write "HP" and "Hewlett-Packard" on one product.

    Args:
        gtins: [N] normalised barcodes, None = none.
        codes: [N] brand codes, -1 = not known.
        at_least: Different barcodes that two names must share: one alone may be a slip.

    Returns:
        [N] brand codes, each that of the first of its names.
    """
    brands_of: dict[str, set[int]] = {}
    for gtin, code in zip(gtins, codes.tolist(), strict=True):
        if gtin is not None and code >= 0:
            brands_of.setdefault(gtin, set()).add(code)
    shared: dict[tuple[int, int], int] = {}
    for brands in brands_of.values():
        if len(brands) == 2:  # three brands on one barcode prove that it is a bad one
            low, high = sorted(brands)
            shared[low, high] = shared.get((low, high), 0) + 1
    first = np.arange(int(codes.max(initial=-1)) + 2)  # the last stands for -1
    for low, high in sorted(pair for pair, count in shared.items() if count >= at_least):
        first[first == first[high]] = first[low]
    return np.where(codes >= 0, first[codes], -1)
