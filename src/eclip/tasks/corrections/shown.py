"""Titles and pictures of the listings on a review page, from the store or from the feed that was answered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pyarrow as pa

from eclip.products.cells import as_text
from eclip.products.feeds import RawBatch
from eclip.products.listings import FeedPlan, clean_batch
from eclip.products.pictures.loader import PictureLoader
from eclip.products.pictures.opening import careful_decoding
from eclip.products.store import Store
from eclip.tasks.corrections.page import Shown

_ROWS_READ = 5_000


def shown_in_store(store: Store, product_ids: Collection[str]) -> dict[str, Shown]:
    """Those of a store, by id."""
    return _shown(store.products(sorted(product_ids), ["product_id", "title", "image"]))


def shown_in_feed(plan: FeedPlan, product_ids: Collection[str]) -> dict[str, Shown]:
    """Those of a feed, by id; pictures of other listings are not looked at.

    Raises:
        FeedError: The feed can't be read any further.
    """
    found: dict[str, Shown] = {}
    column = plan.columns.fields.get("product_id")
    with PictureLoader(plan.picture_folder, fetch_images=plan.fetch_images) as loader:
        for batch in plan.raw_batches(_ROWS_READ):
            ids = [str(row) for row in batch.rows] if column is None else map(as_text, batch.table[column].to_pylist())
            wanted = [index for index, each in enumerate(ids) if each in product_ids and each not in found]
            if wanted:
                with careful_decoding():
                    found = _shown(clean_batch(_some(batch, wanted), plan, loader)) | found
    return found


def _some(batch: RawBatch, wanted: list[int]) -> RawBatch:
    return replace(
        batch,
        table=batch.table.take(wanted),
        rows=[batch.rows[index] for index in wanted],
        faults=[batch.faults[index] for index in wanted],
        remains={new: batch.remains[old] for new, old in enumerate(wanted) if old in batch.remains},
    )


def _shown(table: pa.Table) -> dict[str, Shown]:
    columns = (table[name].to_pylist() for name in ("product_id", "title", "image"))
    return {product_id: Shown(title, image) for product_id, title, image in zip(*columns, strict=True)}
