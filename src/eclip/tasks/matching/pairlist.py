"""The pairs of a file as listings and pairs of them: a record that stands in many pairs is one listing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eclip.errors import FeedError
from eclip.products.pairsfile import TITLE_FIELDS, PairsFile, Record, record_title
from eclip.tasks.matching.draw import Pairs
from eclip.tasks.matching.features import PairSource

EncodeTitles = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class PairList:
    """N listings and P pairs of them, in the order of a file."""

    source: PairSource
    left: np.ndarray  # [P] row positions
    right: np.ndarray
    labels: list[bool | None]  # [P]

    def labelled(self) -> Pairs:
        """The pairs whose answer is told."""
        kept = np.array([label is not None for label in self.labels], dtype=bool)
        same = np.array([bool(label) for label in self.labels], dtype=bool)
        return Pairs(left=self.left[kept], right=self.right[kept], same=same[kept])


def pair_list(pairs: PairsFile, encode: EncodeTitles | None) -> PairList:
    """Listings and pairs of a file.

    Args:
        pairs: What was read.
        encode: Gives titles [N] their unit vectors [N, D]; None where nobody looks at vectors, which saves most of the
            time.
    """
    numbers: dict[tuple[tuple[str, str], ...], int] = {}
    records: list[Record] = []

    def number(record: Record) -> int:
        found = numbers.setdefault(tuple(sorted(record.items())), len(numbers))
        if found == len(records):
            records.append(record)
        return found

    left = np.array([number(record) for record in pairs.left], dtype=np.int64)
    right = np.array([number(record) for record in pairs.right], dtype=np.int64)
    titles = [record_title(record) for record in records]
    vectors = encode(titles) if encode else np.ones((len(titles), 1), dtype=np.float32)
    source = PairSource(
        titles=titles,
        image_vectors=np.full((len(titles), vectors.shape[1]), np.nan, dtype=np.float32),
        text_vectors=vectors,
        records=[_further(record, title) for record, title in zip(records, titles, strict=True)],
    )
    return PairList(source=source, left=left, right=right, labels=pairs.labels)


def require_labels(pairs: PairsFile, *, at_least: int) -> None:
    """Refuse a file to learn from that does not tell enough of both answers.

    Raises:
        FeedError: Fewer than `at_least` pairs are told to be the same, or to differ.
    """
    for answer, word in ((True, "same (1)"), (False, "different (0)")):
        found = sum(label is answer for label in pairs.labels)
        if found < at_least:
            raise FeedError(f"{found} pairs are labelled {word}, at least {at_least} are needed", path=pairs.path)


def _further(record: Record, title: str) -> dict[str, str]:
    """The fields of a record beside its title."""
    name = next((key for key in (*TITLE_FIELDS, *record) if record.get(key) == title), "")
    return {key: value for key, value in record.items() if key != name and value}
