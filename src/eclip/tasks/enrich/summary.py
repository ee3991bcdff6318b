"""What a pass over a feed found, counted while its answers are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(kw_only=True)
class EnrichSummary:
    """What was found, counted in listings."""

    rows: int = 0
    with_category: int = 0
    with_same_products: int = 0
    with_duplicates: int = 0
    suspected_adult: int = 0
    unusable: int = 0
    out: Path

    def counting(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The same tables of answers, counted as they go by."""
        import pyarrow.compute as pc

        for table in tables:
            self.rows += table.num_rows
            self.with_category += table.num_rows - table["category"].null_count
            self.with_same_products += _not_empty(table["same_product_ids"])
            self.with_duplicates += _not_empty(table["duplicate_ids"])
            self.suspected_adult += pc.sum(pc.greater_equal(table["adult_probability"], 0.5)).as_py() or 0
            self.unusable += table["duplicate_ids"].null_count
            yield table


def _not_empty(lists: pa.ChunkedArray) -> int:
    import pyarrow.compute as pc

    return pc.sum(pc.greater(pc.list_value_length(lists), 0)).as_py() or 0
