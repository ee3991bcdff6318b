"""What the cells of a feed mean: category paths, attributes, prices, policies. Pure functions."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable
from typing import Any

from eclip.products.clean import clean_text
from eclip.schema import POLICIES

_NUMBER = re.compile(r"\d[\d.,\s'’]*")
_SCIENTIFIC = re.compile(r"\d+(?:\.\d+)?[eE][+-]?\d+")
# Currencies of a thousand parts, as codes and in Arabic; the second pattern: those whose decimals stand behind a comma.
_THREE_DECIMALS = re.compile(
    r"(?<![A-Za-z])(?:KWD|BHD|OMR|JOD|IQD|TND|LYD|KD|BD|JD|DT)(?![A-Za-z])|د\.|دينار|ر\.ع", re.I
)
_DECIMAL_COMMA = re.compile(r"(?<![A-Za-z])(?:TND|LYD|DT)(?![A-Za-z])|د\.\s?ت", re.I)
_ADULT = frozenset(("19", "19+", "1", "true", "yes", "y", "t"))
_NOT_ADULT = frozenset(("0", "false", "no", "n", "f", "none", "0.0"))


def as_text(value: Any) -> str | None:
    """A cell as text: `7.0` of a number column is "7", empty and not-a-number are None, "NA" stays."""
    if value is None or isinstance(value, str):
        return value.strip() or None if value else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip() or None
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str) if value else None
    return str(value)


def parse_category(value: Any, separator: str) -> list[str] | None:
    """A category path from root to leaf: lists stay, text is split at `separator`; None when empty."""
    values = json_or_same(value)
    if not isinstance(values, list | tuple):
        text = as_text(values)
        values = html.unescape(text).split(separator) if text else []
    names = [clean_text(as_text(name)) for name in values]
    return [name for name in names if name] or None


def has_arrow(value: Any) -> bool:
    """Whether a category text has `>`: then `/` in it is part of a name, in the whole feed."""
    return isinstance(value, str) and ">" in html.unescape(value)


def parse_attributes(value: Any, *, column: str) -> list[tuple[str, list[str]]]:
    """Attributes of one cell as (name, values).

    Understood: an object, a list of [name, value] pairs or of {name, value} objects (Arrow's, or as JSON
    text), and `key=value;key=value`. Anything else is a value of the attribute that the column itself names.
    """
    value = json_or_same(value)
    if value is None or value == "" or value == []:
        return []
    if isinstance(value, dict):
        pairs: list[tuple[Any, Any]] | None = list(value.items())
    elif isinstance(value, list | tuple):
        pairs = _pairs_of_list(list(value))
    else:
        pairs = _pairs_of_text(str(value))
    return merge_attributes(
        (clean_text(as_text(name)), attribute_values(item))
        for name, item in (pairs if pairs is not None else [(column, value)])
    )


def merge_attributes(pairs: Iterable[tuple[str | None, list[str]]]) -> list[tuple[str, list[str]]]:
    """One entry for each name (lower case), values in order and each once; nameless and empty ones out."""
    merged: dict[str, dict[str, None]] = {}
    for name, values in pairs:
        if name and values:
            merged.setdefault(name.lower(), {}).update(dict.fromkeys(values))
    return [(name, list(values)) for name, values in merged.items()]


def attribute_values(value: Any) -> list[str]:
    """Values of one attribute as texts: several by a list or by `|`."""
    value = json_or_same(value)
    if isinstance(value, list | tuple):
        items = list(value)
    else:
        text = as_text(value)
        items = text.split("|") if text else []
    texts = [clean_text(as_text(item)) for item in items]
    return list(dict.fromkeys(text for text in texts if text))


def json_or_same(value: Any) -> Any:
    """The list or object that a text spells in JSON; any other value as it is."""
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            return json.loads(value, parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            return value
    return value


def _pairs_of_list(items: list[Any]) -> list[tuple[Any, Any]] | None:
    """Pairs of a list of [name, value] or of {name, value} objects; None if it is neither."""
    pairs = []
    for item in items:
        if isinstance(item, dict):
            name = item.get("name", item.get("key"))
            if name is None:
                return None
            pairs.append((name, item.get("value", item.get("values"))))
        elif isinstance(item, list | tuple) and len(item) == 2:
            pairs.append((item[0], item[1]))
        else:
            return None
    return pairs


def _pairs_of_text(text: str) -> list[tuple[Any, Any]] | None:
    """Pairs of `key=value;key=value`; None if any part lacks the sign.

    HTML's entities end in the sign that parts pairs ("material=CoolTech&trade;|Wool"), so they are resolved first.
    """
    parts = [part.partition("=") for part in html.unescape(text).split(";") if part.strip()]
    if not parts or any(not sign or not name.strip() for name, sign, _ in parts):
        return None
    return [(name, value) for name, _, value in parts]


def parse_price(value: Any) -> float | None:
    """A price as a number, without its currency: "₩9,900", "1.234,50 EUR", "1'299.00", "52"; None if there is none.

    "12.345" is a thousand times as much as "12.345 KWD": the currency says whether a third decimal can be.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) and value >= 0 else None
    text = as_text(value)
    found = _NUMBER.search(text) if text else None
    if not text or not found or text.lstrip().startswith("-"):
        return None
    if _SCIENTIFIC.fullmatch(text.strip()):
        return float(text) if math.isfinite(float(text)) else None
    digits = re.sub(r"[\s'’]", "", found.group()).rstrip(".,")
    fine = _THREE_DECIMALS.search(text) is not None  # no other price has three decimals
    if re.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+", digits) and not (fine and digits.count(".") == 1):
        digits = digits.replace(".", "")
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        thousands, decimal = (",", ".") if point > comma else (".", ",")
        digits = digits.replace(thousands, "").replace(decimal, ".")
    elif comma >= 0:
        decimals = fine and digits.count(",") == 1 and _DECIMAL_COMMA.search(text)
        whole = not decimals and re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+", digits)
        digits = digits.replace(",", "" if whole else ".")
    try:
        return float(digits)
    except ValueError:
        return None


def parse_policy(value: Any) -> tuple[str | None, bool]:
    """A product's rating, and whether the value was understood.

    The names of `POLICIES` stand for themselves; 19, 19+, 1, true, yes say adult; empty, 0, false, no: none.
    """
    text = (as_text(value) or "").lower()
    if not text or text in _NOT_ADULT:
        return None, True
    if text in POLICIES:
        return text, True
    return ("adult", True) if text in _ADULT or text == "1.0" else (None, False)
