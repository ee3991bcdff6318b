"""Arrow columns as Python lists that a million rows can afford: what repeats is one object."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_SEPARATOR = "\x1f"  # in no cleaned text: cleaning takes control characters out


def shared_texts(column: pa.ChunkedArray) -> list[str | None]:
    """A column of texts; equal texts are one object: sellers, brands, reasons repeat."""
    if not len(column):
        return []
    coded = column.dictionary_encode().unify_dictionaries()
    words = [*coded.chunk(0).dictionary.to_pylist(), None]
    codes = [chunk.indices.fill_null(len(words) - 1).to_numpy() for chunk in coded.chunks]
    return [words[code] for chunk in codes for code in chunk.tolist()]


def shared_paths(column: pa.ChunkedArray) -> list[list[str] | None]:
    """A column of lists of cleaned texts, such as category paths; equal lists are one object."""
    joined = shared_texts(pc.binary_join(column, _SEPARATOR))
    known: dict[str | None, list[str] | None] = {text: text.split(_SEPARATOR) for text in set(joined) if text}
    return [known.get(text, [] if text == "" else None) for text in joined]
