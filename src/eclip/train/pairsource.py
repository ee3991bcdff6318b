"""A pairs file as something to train on: its records become products, those of positive pairs one group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from eclip.console import say
from eclip.errors import FeedError
from eclip.products.pairsfile import PairsFile, Record, read_pairs_file, record_title
from eclip.schema import ATTRIBUTES_TYPE, CORRECTIONS_SCHEMA

OWN_FIELDS = ("title", "name", "brand", "manufacturer", "category", "description")
LONGEST_ATTRIBUTE = 80  # characters; longer fields are descriptions by another name


@dataclass(frozen=True, kw_only=True)
class PairSource:
    """What training reads of a store, of the records of a pairs file.

    Attributes:
        place: The file.
        digest: Of its content.
        products: One row a record, in the columns of the store that training reads.
    """

    place: Path
    digest: str
    products: pa.Table

    @property
    def manifest(self) -> dict[str, Any]:
        """Nothing was cleaned."""
        return {}

    def table(self, columns: Sequence[str]) -> pa.Table:
        """These columns of all records."""
        return self.products.select(list(columns))

    def images(self, rows: Sequence[int]) -> list[bytes | None]:
        """No record has a picture."""
        return [None] * len(rows)

    def extra_images(self, rows: Sequence[int]) -> list[list[bytes]]:
        """Nor further ones."""
        return [[] for _ in rows]

    def count_extra_images(self) -> np.ndarray:
        """None each."""
        return np.zeros(self.products.num_rows, dtype=np.int64)

    def corrections(self) -> pa.Table:
        """Nobody said anything of them."""
        return CORRECTIONS_SCHEMA.empty_table()


def open_pairs(path: Path) -> PairSource:
    """Read a pairs file to train on; says which lines were left out.

    Raises:
        FeedError: It can't be read, or holds no pair.
    """
    try:
        pairs = read_pairs_file(path)
    except FeedError as error:
        raise FeedError(f"{error}; a feed becomes a store first: eclip prepare {path} --store STORE") from error
    told = pairs.told()
    if told:
        say(told)
    return PairSource(place=path, digest=pairs.digest, products=products_of(pairs))


def products_of(pairs: PairsFile) -> pa.Table:
    """One product for each different record; all are to train on, whatever the label of their pair.

    A loss group is a set of records that positive pairs join, or that have one title.
    """
    numbers: dict[tuple[tuple[str, str], ...], int] = {}
    records: list[Record] = []

    def number(record: Record) -> int:
        found = numbers.setdefault(tuple(sorted(record.items())), len(numbers))
        if found == len(records):
            records.append(record)
        return found

    links = [
        (left, right)
        for left, right, same in zip(map(number, pairs.left), map(number, pairs.right), pairs.labels, strict=True)
        if same
    ]
    titles = [record_title(record) for record in records]
    firsts: dict[str, int] = {}
    links += [(place, firsts.setdefault(title.casefold(), place)) for place, title in enumerate(titles)]
    ends = np.array(links, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(records), len(records)))
    nothing = pa.nulls(len(records), pa.string())
    return pa.table(
        {
            "title": pa.array(titles, pa.string()),
            "image_hash": nothing,
            "duplicate_of": nothing,
            "weight": pa.array(np.ones(len(records), dtype=np.float32)),
            "loss_group": pa.array(connected_components(graph, directed=False)[1].astype(np.int64)),
            "split": pa.array(["train"] * len(records)),
            "brand": pa.array([record.get("brand") or record.get("manufacturer") or None for record in records]),
            "category": pa.array(
                [[record["category"]] if record.get("category") else None for record in records], pa.list_(pa.string())
            ),
            "attributes": pa.array([_attributes(record) for record in records], ATTRIBUTES_TYPE),
        }
    )


def _attributes(record: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """The short fields of a record that have no column of their own."""
    return [
        (name, [value])
        for name, value in record.items()
        if value and name not in OWN_FIELDS and len(value) <= LONGEST_ATTRIBUTE
    ]
