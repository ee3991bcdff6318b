"""Arrow columns as Python lists that a million rows can afford: what repeats is one object."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_SEPARATOR = "\x1f"  # in no cleaned text: cleaning takes control characters out


def shared_texts(column: pa.ChunkedArray) -> list[str | None]:
    """A column of texts; equal texts are one object: sellers, brands, reasons repeat."""
    known: dict[str | None, str | None] = {}
    return [known.setdefault(text, text) for chunk in column.chunks for text in chunk.to_pylist()]


def shared_paths(column: pa.ChunkedArray) -> list[list[str] | None]:
    """A column of lists of cleaned texts, such as category paths; equal lists are one object."""
    joined = shared_texts(pc.binary_join(column, _SEPARATOR))
    known: dict[str | None, list[str] | None] = {text: text.split(_SEPARATOR) for text in set(joined) if text}
    return [known.get(text, [] if text == "" else None) for text in joined]
