"""Colours, sizes and amounts of each listing, from its attributes and its title.

The lexicons are a start; the feed's own colour attributes teach the words that its titles use for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from eclip.products.catalogs.conflicts import Trait, trait_of_values
from eclip.products.catalogs.lexicon import (
    COLOUR_ATTRIBUTES,
    COLOUR_OF,
    SHADES,
    SIZE_ATTRIBUTES,
    SIZE_HEADS,
    SIZE_LETTERS,
    SIZE_OF,
)
from eclip.products.catalogs.quantities import TELLING, title_quantities
from eclip.products.catalogs.titles import TitleWords

_PARTS = re.compile(r"\s*(?:[/,&+;|]|\band\b)\s*")
_WORD = re.compile(r"[^\W_]+")
_LEARNED_ROWS = 8
_LEARNED_BRANDS = 4
_LEARNED_SHARE = 0.9

Attributes = Sequence[Any]  # one list of (name, values) or dict a row, or None


def attribute_pairs(attributes: Attributes) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Colours and sizes that the feed gives: two lists of (row, normalised value)."""
    colours: list[tuple[int, str]] = []
    sizes: list[tuple[int, str]] = []
    for row, given in enumerate(attributes):
        for name, values in given.items() if isinstance(given, dict) else given or ():
            folded = name.casefold()
            if folded in COLOUR_ATTRIBUTES:
                colours += [(row, colour) for value in values or () for colour in normal_colours(value)]
            elif folded in SIZE_ATTRIBUTES:
                sizes += [(row, normal_size(value)) for value in values or ()]
    return colours, sizes


def telling_attributes(column: pa.ChunkedArray) -> list[list[tuple[str, list[str]]] | None]:
    """Colours and sizes of a column of attributes (maps), as `attribute_pairs` takes them; others are not read."""
    out: list[list[tuple[str, list[str]]] | None] = [None] * len(column)
    start = 0
    for chunk in column.chunks:
        first, last = chunk.offsets[0].as_py(), chunk.offsets[-1].as_py()
        names = chunk.keys.slice(first, last - first).dictionary_encode()
        known = [name.casefold() for name in names.dictionary.to_pylist()]
        tells = np.array([name in COLOUR_ATTRIBUTES or name in SIZE_ATTRIBUTES for name in known] or [False])
        places = np.flatnonzero(tells[names.indices.to_numpy()]) if len(names) else np.zeros(0, dtype=np.int64)
        rows = np.searchsorted(chunk.offsets.to_numpy(), places + first, side="right") - 1 + start
        values = chunk.items.slice(first, last - first).take(pa.array(places)).to_pylist()
        for row, code, value in zip(
            rows.tolist(), names.indices.take(pa.array(places)).to_pylist(), values, strict=True
        ):
            out[row] = [*(out[row] or ()), (known[code], value)]
        start += len(chunk)
    return out


def normal_colours(text: str) -> set[str]:
    """Colours that a value names: "Jet Black / White" = {black, white}; an unknown one stands for itself."""
    out = set()
    for part in _PARTS.split(text.casefold().strip()):
        words = _WORD.findall(part)
        known = [COLOUR_OF[word] for word in words if word in COLOUR_OF]
        if words:
            out.add(known[0] if known else " ".join(word for word in words if word not in SHADES) or part)
    return out


def normal_size(text: str) -> str:
    """A size as it is compared: "X-Large" = "xl", " 42.5 " = "42.5"."""
    folded = "".join(text.casefold().split())
    return SIZE_OF.get(folded.replace("-", ""), folded)


def learn_colour_words(words: TitleWords, colours: Trait, brands: np.ndarray) -> dict[str, str]:
    """Title words that stand for one colour, as the listings whose colour is given show.

    A word counts if nine in ten of the listings that have it are of one colour and they are of several
    brands: "crimson" is learned, the name of a series that comes in red alone is not.
    """
    rows = words.row_numbers()
    single = np.array([len(values) == 1 for values in colours.sets] + [False])
    of_word = colours.codes[rows]
    told = (of_word >= 0) & single[of_word] & (brands[rows] >= 0)
    if not told.any():
        return {}
    codes, of_word, of_brand = words.codes[told].astype(np.int64), of_word[told], brands[rows[told]]
    num_words, num_colours, num_brands = len(words.words), len(colours.sets), int(of_brand.max()) + 1
    counts = np.bincount(codes, minlength=num_words)
    pairs, pair_counts = np.unique(codes * num_colours + of_word, return_counts=True)
    brands_of_word = np.bincount(np.unique(codes * num_brands + of_brand) // num_brands, minlength=num_words)
    of_pair = pairs // num_colours
    fine = (
        (pair_counts >= _LEARNED_ROWS)
        & (pair_counts >= _LEARNED_SHARE * counts[of_pair])
        & (brands_of_word[of_pair] >= _LEARNED_BRANDS)
    )
    return {
        words.words[pair // num_colours]: next(iter(colours.sets[pair % num_colours]))
        for pair in pairs[fine].tolist()
        if words.words[pair // num_colours].isalpha()
    }


def title_colour_pairs(words: TitleWords, colour_of: dict[str, str]) -> Iterator[tuple[int, str]]:
    """(row, colour) for each colour word of each title."""
    names = [colour_of.get(word) for word in words.words]
    marked = np.array([name is not None for name in names], dtype=bool)
    hits = np.flatnonzero(marked[words.codes]) if len(names) else np.zeros(0, dtype=np.int64)
    for row, code in zip(words.row_numbers()[hits].tolist(), words.codes[hits].tolist(), strict=True):
        yield row, names[code] or ""


def title_size_pairs(words: TitleWords) -> Iterator[tuple[int, str]]:
    """(row, size) for each size of each title: "XL" anywhere, "M" and "42" behind "size"."""
    kinds = np.array([2 if word in SIZE_HEADS else int(word in SIZE_OF) for word in words.words], dtype=np.int8)
    hits = np.flatnonzero(kinds[words.codes]) if len(kinds) else np.zeros(0, dtype=np.int64)
    rows = words.row_numbers()
    for at, row in zip(hits.tolist(), rows[hits].tolist(), strict=True):
        word = words.words[words.codes[at]]
        if kinds[words.codes[at]] == 1:
            yield row, SIZE_OF[word]
        elif at + 1 < words.offsets[row + 1]:
            size = words.words[words.codes[at + 1]]
            if size in SIZE_LETTERS or size[0].isdigit():
                yield row, size


def amount_traits(words: TitleWords) -> list[Trait]:
    """One trait for each telling kind of quantity in titles: storage, volume, mass, count."""
    found = [title_quantities(title) for title in words.folded]
    return [
        trait_of_values(f"amounts ({kind})", [f"{row[kind]:g}" if kind in row else None for row in found])
        for kind in sorted(TELLING)
    ]
