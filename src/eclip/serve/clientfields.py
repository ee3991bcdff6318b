"""How the client writes what it asks for: fields of queries and of forms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote


def filter_fields(
    category: str | None,
    min_price: float | None,
    max_price: float | None,
    brands: Sequence[str],
    attributes: Sequence[tuple[str, str]],
    *,
    hide_adult: bool,
) -> dict[str, Any]:
    """What products must be, as the service names it."""
    return {
        "category": category,
        "min_price": min_price,
        "max_price": max_price,
        "brand": list(brands),
        "attribute": [f"{name}:{value}" for name, value in attributes],
        "hide_adult": hide_adult,
    }


def given(fields: dict[str, Any]) -> dict[str, Any]:
    """Those that say anything."""
    return {name: value for name, value in fields.items() if value not in (None, [])}


def as_texts(fields: dict[str, Any]) -> dict[str, Any]:
    """As a form takes them."""
    return {name: value if isinstance(value, str | list) else json.dumps(value) for name, value in fields.items()}


def quoted(product_id: str) -> str:
    """An id as one part of a path."""
    return quote(product_id, safe="")
