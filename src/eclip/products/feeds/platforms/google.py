"""Google Merchant product data: XML (RSS, Atom), TSV or CSV with Google's attribute names.

Source of the names: Google Merchant Center, "Product data specification". The shop's own `product_type` says more
of a product than Google's taxonomy, so it is the category; `google_product_category` where it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from eclip.products.feeds.feed import Cells, Row, RowFeed
from eclip.products.feeds.platforms.platform import Platform

_CATEGORY = "product_type"
_GOOGLE_CATEGORY = "google_product_category"
_EXTRA = "additional_image_link"
_BETWEEN_LINKS = re.compile(r",\s*(?=https?://)")
_ATTRIBUTES = ("color", "size", "material", "gender", "age_group", "pattern")


def _rework(feed: RowFeed) -> Iterator[tuple[int, Row]]:
    names = {_plain(column): column for column in reversed(feed.columns)}
    for number, row in feed.numbered_rows():
        yield number, row if isinstance(row, str) else reworked(row, names)


def reworked(row: Cells, names: dict[str, str]) -> Cells:
    """Category and further pictures in one way.

    Args:
        row: Cells of one product.
        names: Google's name of an attribute -> the feed's column.
    """
    cells = dict(row)
    google, own = names.get(_GOOGLE_CATEGORY), names.get(_CATEGORY)
    category = (row.get(own) if own else None) or (row.get(google) if google else None)
    if category and category.strip().isdigit():
        category = None  # a number of Google's taxonomy, whose names the feed does not hold
    cells[_CATEGORY] = category
    extra = names.get(_EXTRA)
    links = row.get(extra) if extra else None
    if extra and links:
        cells[extra] = _BETWEEN_LINKS.sub("|", links)
    return cells


def _plain(column: str) -> str:
    """Google's name of a column: `g:image_link`, `image link` and `Image_Link` are `image_link`."""
    return column.casefold().removeprefix("g:").strip().replace(" ", "_")


def _spellings(name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((name, f"g:{name}", name.replace("_", " "))))


PLATFORM = Platform(
    name="google",
    signs=tuple(
        frozenset((title, image, third))
        for title in _spellings("title")
        for image in _spellings("image_link")
        for name in ("availability", "condition", _GOOGLE_CATEGORY, "item_group_id", _CATEGORY)
        for third in _spellings(name)
    ),
    fields={
        "product_id": _spellings("id"),
        "title": _spellings("title"),
        "description": _spellings("description"),
        "brand": _spellings("brand"),
        "price": (*_spellings("price"), *_spellings("sale_price")),
        "url": _spellings("link"),
        "gtin": _spellings("gtin"),
        "model_number": _spellings("mpn"),
        "category": (_CATEGORY,),
        "model_id": _spellings("item_group_id"),
        "policy": _spellings("adult"),
        "image": _spellings("image_link"),
        "extra_images": _spellings(_EXTRA),
    },
    attributes={name: _spellings(name) for name in _ATTRIBUTES},
    added=(_CATEGORY,),
    rework=_rework,
)
