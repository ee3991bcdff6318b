"""Listings out of requests: cleaned as those of a feed are, their pictures decoded, nothing fetched or opened."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pyarrow as pa
from fastapi import HTTPException

from eclip.products.columns import ColumnMap
from eclip.products.feeds import RawBatch
from eclip.products.listings import CleaningPlan, clean_batch
from eclip.products.pictures.picture import Picture
from eclip.products.titles.cleaner import TitleCleaner
from eclip.serve.limits import MAX_LISTINGS
from eclip.serve.taskschemas import Listing
from eclip.serve.uploads import given_picture, read_picture

_TEXTS = ("title", "description", "brand", "seller", "url", "gtin", "model_number")
_COLUMNS = ColumnMap(
    fields={name: name for name in ("product_id", *_TEXTS, "price", "category", "image")},
    attribute_columns=("attributes",),
)
_TABLE = pa.schema(
    [pa.field(name, pa.string()) for name in ("product_id", *_TEXTS, "price", "category", "attributes")]
    + [pa.field("image", pa.int64())]
)


class GivenPictures:
    """Stands where a feed's pictures are loaded: a cell is the position of a picture that came with the request."""

    def __init__(self, pictures: Sequence[Picture | None]) -> None:
        self._pictures = pictures

    def batch(self, _folder: Path | None = None, /) -> Callable[[Any], Future[Picture | None]]:
        """What gives the picture of a cell; there is no folder to look into."""
        return self._given

    def _given(self, cell: Any) -> Future[Picture | None]:
        found: Future[Picture | None] = Future()
        found.set_result(None if cell is None else self._pictures[cell])
        return found


def cleaned(
    listings: Sequence[Listing], titles: TitleCleaner, uploads: dict[int, bytes] | None = None, *, where: str
) -> pa.Table:
    """Cleaned listings of a request, in its order: a table in `LISTINGS_SCHEMA`.

    Args:
        listings: As they came.
        titles: Cleans titles as those of the store were.
        uploads: Pictures that came as files, by position of their listing.
        where: What the request calls its listings, for faults: "listings[{}]".

    Raises:
        HTTPException: 413, 415 or 422, naming the listing: too many, a bad picture, nothing to go by, an id twice.
        BusyError: Another large picture is being decoded.
    """
    if len(listings) > MAX_LISTINGS:
        raise HTTPException(413, f"{len(listings)} listings; send at most {MAX_LISTINGS} at once")
    names = [each.product_id or f"listing {number}" for number, each in enumerate(listings, 1)]
    if len(set(names)) < len(names):
        raise HTTPException(422, "product_id: two listings have the same one; give each its own")
    uploads = uploads or {}
    if beyond := [position for position in uploads if position >= len(listings)]:
        raise HTTPException(422, f"picture_{beyond[0]}: there is no such listing; positions are counted from 0")
    pictures = [_picture(each, uploads.get(at), where.format(at)) for at, each in enumerate(listings)]
    table = pa.Table.from_pylist(
        [_cells(each, name, at) for at, (each, name) in enumerate(zip(listings, names, strict=True))], schema=_TABLE
    )
    plan = CleaningPlan(
        columns=_COLUMNS, category_separator=">", picture_folder=Path(), fetch_images="none", titles=titles
    )
    rows = list(range(1, len(listings) + 1))
    batch = clean_batch(RawBatch(table=table, rows=rows, faults=[None] * len(rows)), plan, GivenPictures(pictures))
    for at, reason in enumerate(batch["reject_reason"].to_pylist()):
        if reason is not None:
            raise HTTPException(422, f"{where.format(at)}: {reason}; give a title or a picture")
    return batch


def _picture(listing: Listing, upload: bytes | None, where: str) -> Picture | None:
    if upload is not None:
        return read_picture(upload, where=f"{where}: its picture")
    return given_picture(listing.picture, where=f"{where}.picture") if listing.picture else None


def _cells(listing: Listing, name: str, position: int) -> dict[str, Any]:
    texts = {field: getattr(listing, field) for field in _TEXTS}
    return texts | {
        "product_id": name,
        "price": None if listing.price is None else repr(listing.price),
        "category": json.dumps(listing.category) if listing.category else None,
        "attributes": json.dumps(listing.attributes) if listing.attributes else None,
        "image": position,
    }
