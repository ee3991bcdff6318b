"""What answerers see: new listings with their vectors, a batch or a window of them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from eclip.products.duplicates.newlistings import KEY_COLUMNS
from eclip.products.feeds import RawBatch
from eclip.products.listings import FeedPlan, clean_batch
from eclip.products.pictures.loader import PictureLoader
from eclip.products.pictures.opening import careful_decoding
from eclip.tasks.catalogue import RECORD_COLUMNS, listing_records
from eclip.tasks.features import present_rows
from eclip.tasks.matching.features import PairSource

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_A_BATCH = 1_024
# Kept of each listing until its window is answered: what answers are made of, without pictures.
KEPT_COLUMNS = tuple(dict.fromkeys((*KEY_COLUMNS, *RECORD_COLUMNS, "attributes", "content_hash")))


@dataclass(frozen=True, kw_only=True)
class Listings:
    """Listings in the feed's order, those that can't be used among them.

    Attributes:
        table: `KEPT_COLUMNS` of each.
        image: Vectors [N, D], NaN rows where missing.
        text: Likewise.
        cells: [N] small pictures that duplicates are told by; None where there is none.
    """

    table: pa.Table
    image: np.ndarray
    text: np.ndarray
    cells: Sequence[np.ndarray | None]

    def __len__(self) -> int:
        return len(self.image)

    @cached_property
    def ids(self) -> list[str | None]:
        """Their product ids; None in a row that can't be read."""
        return list(self.table["product_id"].to_pylist())

    @cached_property
    def titles(self) -> list[str | None]:
        """Their cleaned titles."""
        return list(self.table["title"].to_pylist())

    @cached_property
    def usable(self) -> np.ndarray:
        """Mask [N] of those with a picture or a title."""
        return present_rows(self.image) | present_rows(self.text)

    @cached_property
    def pair_source(self) -> PairSource:
        """As matching reads them."""
        return PairSource(
            titles=self.titles,
            image_vectors=self.image,
            text_vectors=self.text,
            records=listing_records(self.table),
        )

    def part(self, start: int, stop: int) -> Listings:
        """Those from one row to before another."""
        return Listings(
            table=self.table.slice(start, stop - start),
            image=self.image[start:stop],
            text=self.text[start:stop],
            cells=self.cells[start:stop],
        )

    @classmethod
    def joined(cls, parts: Sequence[Listings]) -> Listings:
        """The listings of several batches, one after the other."""
        import pyarrow as pa

        return cls(
            table=pa.concat_tables([part.table for part in parts]),
            image=np.concatenate([part.image for part in parts]),
            text=np.concatenate([part.text for part in parts]),
            cells=[each for part in parts for each in part.cells],
        )


def cleaned_batches(plan: FeedPlan, *, skipped_rows: int = 0) -> Generator[pa.Table]:
    """Cleaned listings of a feed, the next batch read and decoded while its user works on one.

    Args:
        plan: The feed and how it is read.
        skipped_rows: Rows that an interrupted run has answered; they are passed over without a look at their pictures.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="read") as thread:
        batches = _read(plan, skipped_rows)
        coming = thread.submit(next, batches, None)
        try:
            while (batch := coming.result()) is not None:
                coming = thread.submit(next, batches, None)
                yield batch
        finally:
            thread.submit(batches.close)


def remaining_batches(plan: FeedPlan, skipped_rows: int) -> Generator[RawBatch]:
    """The feed's rows as they came but for the first ones, which whole batches of an earlier run have answered."""
    for batch in plan.raw_batches(ROWS_A_BATCH):
        if skipped_rows < len(batch.rows):
            yield batch
        else:
            skipped_rows -= len(batch.rows)


def _read(plan: FeedPlan, skipped_rows: int) -> Generator[pa.Table]:
    with PictureLoader(plan.picture_folder, fetch_images=plan.fetch_images) as loader:
        for batch in remaining_batches(plan, skipped_rows):
            with careful_decoding():
                table = clean_batch(batch, plan, loader)
            yield table
