"""Which column of a feed means what: `--columns` as the user wrote it, the rest found by common names.

Pure: knows names only, reads no feed. A field the user maps wins over what is found by itself, a column the
user gave to one field is not taken for another, and `name=` (nothing after the sign) switches a field off.
"""

from __future__ import annotations

import csv
import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eclip.errors import ConfigError, FeedError
from eclip.schema import PRODUCTS_SCHEMA

# Fields that a feed can fill, each with the column names it is known by, best first. A feed's own
# `catalog_id` is never taken for `model_id`: whether variants share it, only the user knows.
ALIASES: dict[str, tuple[str, ...]] = {
    "product_id": ("product_id", "id", "sku", "listing_id", "offer_id", "item_id", "상품번호", "상품ID"),
    "title": (
        "title",
        "name",
        "product_name",
        "product_title",
        "product_display_name",
        "item_name",
        "상품명",
    ),
    "description": ("description", "product_description", "desc", "상품설명"),
    "language": ("language", "lang", "content_language"),
    "brand": ("brand", "brand_name", "브랜드"),
    "seller": ("seller", "seller_id", "seller_name", "merchant", "vendor", "shop", "판매자"),
    "price": ("price", "sale_price", "가격"),
    "url": ("url", "link", "product_url"),
    "gtin": ("gtin", "ean", "gtin13", "barcode", "upc"),
    "model_number": ("model_number", "mpn"),
    "category": ("category", "categories", "category_path", "google_product_category", "카테고리"),
    "catalog_id": ("catalog_id",),
    "model_id": ("model_id", "item_group_id"),
    "policy": ("policy", "adult", "is_adult"),
    "image": ("image_bytes", "image", "image_path", "image_link", "image_url", "이미지"),
    "extra_images": (
        "extra_images",
        "additional_images",
        "additional_image_link",
        "additional_image_links",
    ),
}
ATTRIBUTES = "attributes"
_ATTRIBUTE_PREFIX = "attributes."
_RESERVED = frozenset(PRODUCTS_SCHEMA.names) - frozenset(ALIASES) - {ATTRIBUTES}
_NEAR_MISS = 0.8
_SHOWN_NAMES, _SHOWN_CHARS = 60, 40  # of columns, in a message


@dataclass(frozen=True, kw_only=True)
class ColumnMap:
    """Where each field of a product comes from.

    Attributes:
        fields: Field of the schema -> column of the feed.
        attributes: Attribute name (lower case) -> column that holds its values.
        attribute_columns: Columns that hold several attributes each.
    """

    fields: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    attribute_columns: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[str, ...]:
        """Every column that is read, each once, in a fixed order."""
        return tuple(dict.fromkeys([*self.fields.values(), *self.attributes.values(), *self.attribute_columns]))

    def to_json(self) -> dict[str, Any]:
        """The map as it stands in a store's manifest."""
        return {
            "fields": dict(self.fields),
            "attributes": dict(self.attributes),
            "attribute_columns": list(self.attribute_columns),
        }


def parse_columns(text: str) -> list[tuple[str, str]]:
    """Split `name=column,name=column` into pairs; quote a pair (`"title=a,b"`) whose column has a comma.

    Raises:
        ConfigError: A part without `=` or name, or a name that stands for a field by a slip of the pen.
    """
    try:
        parts = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    except csv.Error as fault:
        raise ConfigError(f"--columns {text!r} can't be read ({fault}); write name=column,...") from None
    pairs = []
    for part in parts:
        if not part.strip():
            continue
        name, sign, column = (piece.strip() for piece in part.partition("="))
        if not (sign and name):
            raise ConfigError(f"--columns: {part.strip()!r} is not of the form name=column")
        _check_name(name)
        pairs.append((name, column))
    return pairs


def _check_name(name: str) -> None:
    """Refuse names that eclip fills itself and near misses of a field's name."""
    if name in ALIASES or name == ATTRIBUTES:
        return
    if name.startswith(_ATTRIBUTE_PREFIX):
        if not name.removeprefix(_ATTRIBUTE_PREFIX).strip():
            raise ConfigError(f"--columns: {name!r} lacks the attribute's name; write attributes.NAME=column")
        return
    if name in _RESERVED:
        raise ConfigError(f"--columns: {name!r} is filled by eclip itself and can't be mapped")
    near = difflib.get_close_matches(name.lower(), [*ALIASES, ATTRIBUTES], n=1, cutoff=_NEAR_MISS)
    if near:
        raise ConfigError(
            f"--columns: unknown field {name!r}; did you mean {near[0]!r}? "
            f"(an attribute of that name: {_ATTRIBUTE_PREFIX}{name}=...)"
        )


def resolve_columns(
    text: str, available: Sequence[str], *, feed: object = None, platform: ColumnMap | None = None
) -> ColumnMap:
    """The column map of a feed with these columns.

    Args:
        text: `--columns` as the user wrote it; empty = everything by itself.
        available: The feed's columns.
        feed: Named in errors.
        platform: What the feed's platform means by its columns: below the user's word, above the usual names.

    Raises:
        ConfigError: A pair can't be read or a field is mapped twice.
        FeedError: A mapped column is not in the feed, or there is neither a title nor a picture column.
    """
    fields: dict[str, str] = {}
    attributes: dict[str, str] = {}
    attribute_columns: list[str] = []
    switched_off: set[str] = set()
    for name, column in parse_columns(text):
        if column and column not in available:
            raise FeedError(
                f"--columns maps {name!r} to {column!r}, which the feed lacks; "
                f"it has: {_listed(available)}{_suggestion(column, available)}",
                path=feed,
            )
        if not column:
            switched_off.add(name)
        elif name == ATTRIBUTES:
            attribute_columns.append(column)
        elif name in ALIASES:
            _map_once(fields, name, column)
        else:
            _map_once(attributes, name.removeprefix(_ATTRIBUTE_PREFIX).strip().lower(), column)
    if platform is not None:
        _take_platform(platform, fields, attributes, attribute_columns, switched_off)
    _find_the_rest(fields, attribute_columns, available, switched_off)
    if not fields.keys() & {"title", "image"}:
        raise FeedError(
            "no title and no picture column found; name one with --columns title=...,image=...; "
            f"the feed has: {_listed(available)}",
            path=feed,
        )
    return ColumnMap(fields=fields, attributes=attributes, attribute_columns=tuple(dict.fromkeys(attribute_columns)))


def _listed(names: Sequence[str]) -> str:
    """Names for a message: the first ones, shortened."""
    shown = ", ".join(
        name if len(name) <= _SHOWN_CHARS else f"{name[:_SHOWN_CHARS]}..." for name in names[:_SHOWN_NAMES]
    )
    return shown if len(names) <= _SHOWN_NAMES else f"{shown} and {len(names) - _SHOWN_NAMES:,} more"


def _take_platform(
    platform: ColumnMap,
    fields: dict[str, str],
    attributes: dict[str, str],
    attribute_columns: list[str],
    switched_off: set[str],
) -> None:
    """Fill what the user left open with the platform's map."""
    taken = {*fields.values(), *attributes.values(), *attribute_columns}
    for name, column in platform.fields.items():
        if name not in switched_off and column not in taken:
            fields.setdefault(name, column)
    for name, column in platform.attributes.items():
        if not {name, f"{_ATTRIBUTE_PREFIX}{name}"} & switched_off and column not in taken:
            attributes.setdefault(name, column)
    if not attribute_columns and ATTRIBUTES not in switched_off:
        attribute_columns += platform.attribute_columns


def _map_once(mapping: dict[str, str], name: str, column: str) -> None:
    if name in mapping:
        raise ConfigError(f"--columns maps {name!r} twice: to {mapping[name]!r} and to {column!r}")
    mapping[name] = column


def _suggestion(column: str, available: Sequence[str]) -> str:
    near = difflib.get_close_matches(column, available, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _find_the_rest(
    fields: dict[str, str],
    attribute_columns: list[str],
    available: Sequence[str],
    switched_off: set[str],
) -> None:
    """Fill `fields` and `attribute_columns` with columns known by their names."""
    taken = set(fields.values())
    known = {_folded(column): column for column in reversed(available)}
    for name, aliases in ALIASES.items():
        if name in fields or name in switched_off:
            continue
        for alias in aliases:
            column = known.get(_folded(alias))
            if column is not None and column not in taken:
                fields[name] = column
                break
    column = known.get(ATTRIBUTES)
    if column is not None and not attribute_columns and ATTRIBUTES not in switched_off:
        attribute_columns.append(column)


def _folded(name: str) -> str:
    """A name as it is compared: `productDisplayName` = `product_display_name` = `Product Display-Name`."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def refuse_repeated(names: Sequence[str], path: Path) -> None:
    """Refuse a header that names a column twice.

    Raises:
        FeedError: It does.
    """
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise FeedError("the header has this column twice; rename one", path=path, column=twice)
