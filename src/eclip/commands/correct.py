"""`eclip correct`: what people said of answers, back into the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eclip.commands.arguments import CorrectionsArgument


@dataclass(frozen=True)
class CorrectSummary:
    """What was taken into the store."""

    corrections: int
    listings: int
    not_in_store: int
    """Listings that the store does not hold (yet)."""
    corrections_in_all: int
    """Those of earlier files included."""


def correct(corrections: CorrectionsArgument, /, *, store: str | Path, by: str | None = None) -> CorrectSummary:
    """Take corrections of people into a store: the next `eclip fit` learns from them, and they win over the feed.

    All of a file is taken, or nothing. Of one listing and field the last correction counts.

    Args:
        corrections: JSON that the review page exported, or CSV with product_id, field, value.
        store: Made by `eclip prepare`.
        by: Who says so, where the file does not tell.
    """
    from eclip.products.corrections import add_corrections
    from eclip.products.store import Store
    from eclip.tasks.corrections.fields import read_corrections

    opened = Store.open(store)
    rows = read_corrections(Path(corrections), source=by)
    add_corrections(opened, rows)
    ids = sorted(set(rows["product_id"].to_pylist()))
    held = opened.products(ids, ["product_id"]).num_rows
    return CorrectSummary(rows.num_rows, len(ids), len(ids) - held, opened.corrections().num_rows)
