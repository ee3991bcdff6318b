"""Shopify's product CSV: one row a variant, the product's own cells on its first row only, pictures down the rows.

Rows of one handle follow each other. Each variant becomes a listing with the product's title, text and pictures;
a row that only carries a further picture is no listing. Both headers of Shopify are known: "Handle, Body (HTML),
Variant SKU, Image Src, ..." and the newer "URL handle, Description, SKU, Product image URL, ...".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from eclip.products.feeds.feed import Cells, Row, RowFeed
from eclip.products.feeds.platforms.platform import Platform

_HANDLE = ("Handle", "URL handle")
_SKU = ("Variant SKU", "SKU")
_PRICE = ("Variant Price", "Price")
_IMAGE = ("Image Src", "Product image URL")
_POSITION = ("Image Position",)
_VARIANT_IMAGE = ("Variant Image", "Variant image URL")
_TAGS = "Tags"
_CATEGORY = ("Product Category", "Product category", "Type")  # Shopify's taxonomy, else the shop's own word
# What the columns hold together, in columns of their own.
_ID, _KIND, _MAIN, _EXTRA, _OPTIONS = "(id)", "(category)", "(image)", "(extra images)", "(options)"
_NO_OPTION = "default title"  # what Shopify writes for a product without variants
_OF_PICTURES = ("image src", "image position", "image alt text", "product image url")
_Numbered = tuple[int, Row]


def _rework(feed: RowFeed) -> Iterator[_Numbered]:
    handle = next((name for name in _HANDLE if name in feed.columns), _HANDLE[0])

    def product(entry: _Numbered) -> str | None:
        return None if isinstance(entry[1], str) else entry[1].get(handle)

    for key, group in groupby(feed.numbered_rows(), product):
        if key is None:  # bad rows and rows without a handle stand alone
            yield from group
        else:
            yield from listings(key, [(number, row) for number, row in group if not isinstance(row, str)])


def listings(handle: str, rows: Sequence[tuple[int, Cells]]) -> Iterator[tuple[int, Cells]]:
    """The variants of one product, each with all that it has or shares.

    Args:
        handle: Of the product.
        rows: Its numbered rows, the first with the product's own cells.
    """
    first = rows[0][1]
    shared = {name: value for name, value in first.items() if value and _is_shared(name)}
    pictures = _pictures([row for _, row in rows])
    variants = [(number, row) for number, row in rows if _is_variant(row)] or [rows[0]]
    of_variants = {picture for _, row in variants if (picture := _cell(row, _VARIANT_IMAGE))}
    for number, row in variants:
        options = _options(row, first)
        own = _cell(row, _VARIANT_IMAGE)
        main = own or (pictures[0] if pictures else None)
        others = [picture for picture in pictures if picture != main and picture not in of_variants]
        sku = _cell(row, _SKU)
        named = "-".join([handle, *options.values()])
        yield (
            number,
            {
                **shared,
                **{name: value for name, value in row.items() if value},
                _TAGS: "|".join(tag.strip() for tag in (first.get(_TAGS) or "").split(",") if tag.strip()) or None,
                _ID: sku or named,
                _KIND: _cell(first, _CATEGORY),
                _MAIN: main,
                _EXTRA: "|".join(others) or None,
                _OPTIONS: json.dumps(options, ensure_ascii=False) if options else None,
            },
        )


def _is_shared(name: str) -> bool:
    """Whether a cell of the first row is the product's and not the first variant's or a picture's."""
    folded = name.casefold()
    of_variant = folded.startswith(("variant ", "option")) or folded in ("sku", "barcode", "price", "cost per item")
    return not of_variant and folded not in _OF_PICTURES


def _is_variant(row: Cells) -> bool:
    return bool(_cell(row, _SKU) or _cell(row, _PRICE) or _option(row, 1, "value"))


def _options(row: Cells, first: Cells) -> dict[str, str]:
    """Name and value of each option; names stand on the first row only."""
    found = {}
    for index in (1, 2, 3):
        name, value = _option(first, index, "name"), _option(row, index, "value")
        if name and value and value.casefold() != _NO_OPTION:
            found[name] = value
    return found


def _option(row: Cells, index: int, what: str) -> str | None:
    return row.get(f"Option{index} {what.capitalize()}") or row.get(f"Option{index} {what}")


def _pictures(rows: Sequence[Cells]) -> list[str]:
    """Pictures of a product in the order of their positions, each once."""
    found = []
    for order, row in enumerate(rows):
        picture, position = _cell(row, _IMAGE), _cell(row, _POSITION) or ""
        if picture:
            found.append((int(position) if position.isdigit() else order + 1, order, picture))
    return list(dict.fromkeys(picture for _, _, picture in sorted(found)))


def _cell(row: Cells, names: Sequence[str]) -> str | None:
    return next((row[name] for name in names if row.get(name)), None)


PLATFORM = Platform(
    name="shopify",
    signs=(
        frozenset(("Handle", "Title", "Variant SKU")),
        frozenset(("Handle", "Title", "Variant Price")),
        frozenset(("Handle", "Title", "Option1 Name")),
        frozenset(("Handle", "Title", "Image Src")),
        frozenset(("URL handle", "Title", "SKU")),
        frozenset(("URL handle", "Title", "Product image URL")),
    ),
    fields={
        "product_id": (_ID,),
        "title": ("Title",),
        "description": ("Body (HTML)", "Description"),
        "brand": ("Vendor",),
        "price": _PRICE,
        "gtin": ("Variant Barcode", "Barcode"),
        "model_number": ("Google Shopping / MPN",),
        "category": (_KIND,),
        "model_id": _HANDLE,
        "image": (_MAIN,),
        "extra_images": (_EXTRA,),
    },
    attributes={
        "product type": ("Type",),
        "tags": (_TAGS,),
        "gender": ("Google Shopping / Gender",),
        "age_group": ("Google Shopping / Age Group",),
    },
    attribute_columns=(_OPTIONS,),
    added=(_ID, _KIND, _MAIN, _EXTRA, _OPTIONS),
    rework=_rework,
)
