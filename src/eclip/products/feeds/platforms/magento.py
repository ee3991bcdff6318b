"""Magento's (Adobe Commerce's) product export: categories, pictures and attributes packed into cells.

A configurable product lists its children after them, so the feed is read through once before: a child knows its
parent as `model_id`, and has the parent's category and picture where it has none of its own.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from eclip.products.feeds.feed import Cells, Row, RowFeed
from eclip.products.feeds.platforms.platform import Platform

_PARENT = "(parent)"
_NONE = ("no_selection", "__EMPTY__VALUE__")
_CHILD = re.compile(r"(?:^|\|)\s*sku=([^,|]+)")
_INHERITED = ("categories", "base_image", "additional_images")


@dataclass(frozen=True)
class _Parent:
    """A configurable product, as far as its children need it."""

    sku: str
    cells: dict[str, str]


def _rework(feed: RowFeed) -> Iterator[tuple[int, Row]]:
    parents = _parents(feed)
    for number, row in feed.numbered_rows():
        yield number, row if isinstance(row, str) else reworked(row, parents.get(row.get("sku") or ""))


def _parents(feed: RowFeed) -> dict[str, _Parent]:
    """Child's SKU -> its parent; a configurable product is its own."""
    found: dict[str, _Parent] = {}
    for _, row in feed.numbered_rows():
        children = None if isinstance(row, str) else row.get("configurable_variations")
        if children and not isinstance(row, str) and row.get("sku"):
            parent = _Parent(str(row["sku"]), {name: str(row[name]) for name in _INHERITED if row.get(name)})
            for sku in (parent.sku, *_CHILD.findall(children)):
                found.setdefault(sku.strip(), parent)
    return found


def reworked(row: Cells, parent: _Parent | None) -> Cells:
    """One row with its cells unpacked; `parent` is the configurable product it belongs to, or is."""
    cells = {name: None if value in _NONE else value for name, value in row.items()}
    if parent is not None:
        has_picture = bool(cells.get("base_image"))
        for name, value in parent.cells.items():
            if not cells.get(name) and not (name != "categories" and has_picture):
                cells[name] = None if value in _NONE else value
    path = deepest_category(cells.get("categories") or "")
    pictures = [_below_media(name) for name in (cells.get("additional_images") or "").split(",") if name.strip()]
    main = _below_media(cells.get("base_image") or "") or None
    attributes = packed_attributes(cells.get("additional_attributes") or "")
    return {
        **cells,
        "categories": json.dumps(path, ensure_ascii=False) if path else None,
        "base_image": main,
        "additional_images": "|".join(name for name in pictures if name != main) or None,
        "additional_attributes": json.dumps(attributes, ensure_ascii=False) if attributes else None,
        _PARENT: parent.sku if parent else None,
    }


def deepest_category(text: str) -> list[str]:
    """The deepest path of `Default Category/Men/Tops,Default Category/Sale`, without the root that all have.

    A comma parts paths only where another path begins: names may hold commas.
    """
    root = text.strip().partition("/")[0].partition(",")[0]
    begins = re.escape(root)
    paths = re.split(rf",(?={begins}(?:/|,|$))|,(?=[^,\s/][^,/]*/)", text.strip()) if root else []
    split = [[name.strip() for name in path.split("/") if name.strip()][1:] for path in paths]
    return max(split, key=len, default=[])


def packed_attributes(text: str) -> dict[str, list[str]]:
    """Attributes of `k=v,k=v1|v2,"k=one, two"`; a comma belongs to the value where no `name=` follows it."""
    try:
        parts = next(csv.reader([text]), [])
    except csv.Error:
        parts = text.split(",")
    pairs: list[str] = []
    for part in parts:
        if re.match(r"\s*\w+=", part) or not pairs:
            pairs.append(part)
        else:
            pairs[-1] += f",{part}"
    found = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        values = [each.strip().strip('"') for each in value.split("|")]
        values = [each for each in values if each and each not in _NONE]
        if sign and values:
            found[name.strip()] = values
    return found


def _below_media(name: str) -> str:
    """A picture's name from the media folder: exports write `/m/h/mh01.jpg`."""
    return name.strip().lstrip("/") if "://" not in name else name.strip()


PLATFORM = Platform(
    name="magento",
    signs=(
        frozenset(("sku", "product_type", "base_image")),
        frozenset(("sku", "product_type", "additional_attributes")),
        frozenset(("sku", "attribute_set_code", "categories")),
    ),
    fields={
        "product_id": ("sku",),
        "title": ("name",),
        "description": ("description", "short_description"),
        "price": ("price",),
        "category": ("categories",),
        "model_id": (_PARENT,),
        "image": ("base_image", "image"),
        "extra_images": ("additional_images",),
    },
    attribute_columns=("additional_attributes",),
    added=(_PARENT,),
    rework=_rework,
)
