"""The first pass over a feed, for what only a whole feed tells: its category separator and its titles' phrases."""

from __future__ import annotations

from typing import Any

from eclip.products.cells import as_text, has_arrow
from eclip.products.columns import ColumnMap
from eclip.products.feeds import Feed
from eclip.products.titles.learner import PhraseLearner

_FIRST_LOOK_ROWS = 20_000


def look_through(feed: Feed, columns: ColumnMap, learner: PhraseLearner | None) -> str:
    """One pass for what a whole feed tells: the phrases of its titles, and its category separator.

    `/` parts a path only when no value of the feed has `>`: real leaves are called "Leggings/Tights".
    """
    names = ("title", "seller", "category", "catalog_id", "brand") if learner else ("category",)
    fields = {name: columns.fields[name] for name in names if name in columns.fields}
    separator = "/" if "category" in fields else ">"
    if not fields or (learner is None and separator == ">"):
        return separator
    for batch in feed.batches(_FIRST_LOOK_ROWS, columns=list(dict.fromkeys(fields.values()))):
        cells = {name: batch.table[column].to_pylist() for name, column in fields.items()}
        if any(has_arrow(value) for value in cells.get("category", ())):
            separator = ">"
        if learner is None and separator == ">":
            break
        if learner is not None:
            _learn_titles(learner, cells, len(batch.rows))
    return separator


def _learn_titles(learner: PhraseLearner, cells: dict[str, list[Any]], num_rows: int) -> None:
    nothing: list[Any] = [None] * num_rows
    texts = {name: [as_text(value) for value in values] for name, values in cells.items()}
    learner.add(
        texts.get("title", nothing),
        sellers=texts.get("seller", nothing),
        categories=texts.get("category", nothing),
        catalogs=texts.get("catalog_id", nothing),
        brands=texts.get("brand", nothing),
    )
