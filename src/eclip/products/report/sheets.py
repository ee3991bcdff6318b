"""Contact sheets of a store's report: real groups of listings, side by side, with their pictures."""

from __future__ import annotations

import base64
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from eclip.products.plainlists import shared_texts
from eclip.products.store import Store
from eclip.products.wholefeed import PLACEHOLDER

GROUPS_SHOWN = 8
CARDS_SHOWN = 6  # of one group
WRONG_PAIRS_SHOWN = 24
WRONG_BELOW = 0.5  # likelier wrong than right
THUMBNAIL_PIXELS = 120  # longer side
_SEED = 0  # of the groups drawn to be shown: the same store, the same page


@dataclass(frozen=True)
class Card:
    """One listing: its picture as a data URI, or None."""

    title: str
    note: str
    picture: str | None


@dataclass(frozen=True)
class Sheet:
    """One group of listings."""

    heading: str
    cards: list[Card]
    num_listings: int


def duplicate_sheets(store: Store, products: pa.Table) -> list[Sheet]:
    """Some listings that were found to repeat another, near ones first."""
    reasons = shared_texts(products["duplicate_reason"])
    rows = {product_id: row for row, product_id in enumerate(shared_texts(products["product_id"]))}
    groups: dict[int, list[int]] = {}
    for row, original in enumerate(shared_texts(products["duplicate_of"])):
        if original in rows:
            groups.setdefault(rows[original], []).append(row)
    chosen = _draw([[original, *repeats] for original, repeats in groups.items()])
    chosen.sort(key=lambda members: str(reasons[members[1]]))
    return [_sheet(store, products, str(reasons[members[1]]), members) for members in chosen]


def catalog_sheets(store: Store, products: pa.Table) -> list[Sheet]:
    """Some catalogs of two listings or more, inferred ones before given ones."""
    reasons = shared_texts(products["catalog_reason"])
    groups: dict[str, list[int]] = {}
    for row, catalog in enumerate(shared_texts(products["catalog_id"])):
        if catalog:
            groups.setdefault(catalog, []).append(row)
    several = [members for members in groups.values() if len(members) > 1]
    inferred = [members for members in several if any(reasons[row] != "given" for row in members)]
    chosen = _draw(inferred or several)
    texts = [", ".join(sorted({str(reasons[row]) for row in members})) for members in chosen]
    return [_sheet(store, products, text, members) for text, members in zip(texts, chosen, strict=True)]


def wrong_pair_sheets(store: Store, products: pa.Table) -> list[Sheet]:
    """The listings whose picture and title a model thinks least likely to belong together, the worst first."""
    scores = products["pair_score"].to_numpy()
    flags = products["review_flags"].to_pylist()
    doubted = [row for row in np.flatnonzero(scores < WRONG_BELOW) if PLACEHOLDER not in (flags[row] or ())]
    doubted.sort(key=lambda row: float(scores[row]))
    sheets = []
    for start in range(0, min(len(doubted), WRONG_PAIRS_SHOWN), CARDS_SHOWN):
        some = [int(row) for row in doubted[start : start + CARDS_SHOWN]]
        heading = f"{max(scores[some[-1]], 0.001):.1%} likely to belong together, or less"
        sheets.append(_sheet(store, products, heading, some))
    return sheets


def _draw(groups: Sequence[list[int]]) -> list[list[int]]:
    return random.Random(_SEED).sample(list(groups), min(GROUPS_SHOWN, len(groups)))


def _sheet(store: Store, products: pa.Table, heading: str, members: Sequence[int]) -> Sheet:
    shown = list(members[:CARDS_SHOWN])
    rows = products.take(shown).to_pylist()
    cards = [
        Card(
            row["title"] or row["product_id"],
            ", ".join(text for text in (row["seller"], row["product_id"]) if text),
            thumbnail(image),
        )
        for row, image in zip(rows, store.images(shown), strict=True)
    ]
    return Sheet(heading, cards, len(members))


def thumbnail(image: bytes | None) -> str | None:
    """A small JPEG as a data URI; None without a picture."""
    if image is None:
        return None
    from PIL import Image

    with Image.open(io.BytesIO(image)) as opened:
        small = opened.convert("RGB")
    small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    encoded = io.BytesIO()
    small.save(encoded, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.getvalue()).decode()}"
