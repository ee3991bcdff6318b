"""One's own judged queries: what people asked, and how good a shop's people found which answers.

A file with the columns query (text), image (a picture's file, beside the judged one or a full path), product_id and
grade, one judgement a row, in any form that a feed may have (CSV, JSONL, Excel, Parquet). Either query or image may be
missing; grade is a number from 0 (judged wrong) up, 1 where the file has no such column.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eclip.errors import FeedError
from eclip.products.cells import as_text
from eclip.products.feeds import open_feed

COLUMNS = ("query", "image", "product_id", "grade")
_BATCH_SIZE = 1_000


@dataclass(frozen=True, kw_only=True)
class JudgedQuery:
    """One query with all that was judged of it."""

    text: str | None
    image: Path | None
    grades: dict[str, float] = field(default_factory=dict)
    """Product id -> grade."""

    @property
    def modality(self) -> str:
        """What is asked with: "image", "text" or "both"."""
        return "both" if self.text and self.image else "text" if self.text else "image"

    @property
    def name(self) -> str:
        """What tells this query from others, as text."""
        return f"{self.text or ''}|{self.image or ''}"


def read_judged(path: Path) -> list[JudgedQuery]:
    """Read a file of judged queries, in the order of their first rows.

    Raises:
        FeedError: It can't be read, lacks columns, is empty, or a row is no judgement.
    """
    feed = open_feed(path)
    known = [name for name in COLUMNS if name in feed.columns]
    if "product_id" not in known or not {"query", "image"} & set(known):
        raise FeedError(
            f"has the columns {', '.join(feed.columns[:8])}; expected product_id, query or image (or both), and grade "
            "if there are grades",
            path=path,
        )
    queries: dict[str, JudgedQuery] = {}
    for batch in feed.batches(_BATCH_SIZE, columns=known):
        for row, fault, cells in zip(batch.rows, batch.faults, batch.table.to_pylist(), strict=True):
            if fault is not None:
                raise FeedError(fault, path=path, row=row)
            text, image, product_id, grade = _judgement(path, row, cells)
            query = JudgedQuery(text=text, image=image)
            kept = queries.setdefault(query.name, query)
            if kept.grades.setdefault(product_id, grade) != grade:
                raise FeedError(
                    f"grades product {product_id} {grade:g}, a row before it {kept.grades[product_id]:g}; keep one",
                    path=path,
                    row=row,
                )
    if not queries:
        raise FeedError("holds no judgements; expected a row for each query and product that was judged", path=path)
    return list(queries.values())


def known_queries(
    queries: list[JudgedQuery], product_ids: set[str], path: Path
) -> tuple[list[JudgedQuery], str | None]:
    """The queries that a store can answer, and one line on what it can't.

    Judgements of products that the store does not hold are left out, and queries that then have no product of a grade
    above 0.

    Args:
        queries: As read.
        product_ids: Of the store.
        path: Where they stand, for messages.

    Raises:
        FeedError: None is left.
    """
    unknown = [product_id for query in queries for product_id in query.grades if product_id not in product_ids]
    kept = list(_answerable(queries, product_ids))
    first = f", the first is {unknown[0]}" if unknown else ""
    if not kept:
        raise FeedError(
            f"no query has a product of a grade above 0 that the store holds ({len(unknown):,} judgements name "
            f"products that it does not hold{first}); judge products of this store",
            path=path,
        )
    if not unknown and len(kept) == len(queries):
        return kept, None
    return kept, (
        f"{len(unknown):,} judgements name products that the store does not hold{first}; "
        f"{len(queries) - len(kept):,} of {len(queries):,} queries are left without a right answer and out"
    )


def _answerable(queries: list[JudgedQuery], product_ids: set[str]) -> Iterator[JudgedQuery]:
    for query in queries:
        grades = {product_id: grade for product_id, grade in query.grades.items() if product_id in product_ids}
        if any(grade > 0 for grade in grades.values()):
            yield JudgedQuery(text=query.text, image=query.image, grades=grades)


def _judgement(path: Path, row: int, cells: dict[str, Any]) -> tuple[str | None, Path | None, str, float]:
    """Text, picture, product and grade of a row."""
    values = {name: text for name in COLUMNS if (text := as_text(cells.get(name))) is not None}
    text, product_id = values.get("query"), values.get("product_id")
    if not product_id:
        raise FeedError("has no product_id; each row judges one product", path=path, row=row)
    image = path.parent / values["image"] if values.get("image") else None
    if text is None and image is None:
        raise FeedError("has neither query nor image; each row names what was asked", path=path, row=row)
    if image is not None and not image.is_file():
        raise FeedError(f"names the picture {image}, which is not there", path=path, row=row, column="image")
    try:
        grade = float(values.get("grade") or 1)
    except ValueError:
        grade = math.nan
    if not 0 <= grade < math.inf:
        raise FeedError(f"expected a number from 0 up, found {values['grade']!r}", path=path, row=row, column="grade")
    return text, image, product_id, grade
