"""Numbers with units in titles ("500ml", "2 x 4 GB", "55 inch", "1080p"): they tell variants, never models."""

from __future__ import annotations

import re
from collections.abc import Iterable

# What is measured -> unit as written -> factor to the first one.
_UNITS: dict[str, dict[str, float]] = {
    "storage": {"gb": 1, "tb": 1024, "mb": 1 / 1024, "기가": 1, "테라": 1024},
    "volume": {"ml": 1, "cl": 10, "cc": 1, "l": 1000, "ltr": 1000, "litre": 1000, "liter": 1000, "litres": 1000,
               "liters": 1000, "리터": 1000, "oz": 29.5735, "floz": 29.5735},
    "mass": {"g": 1, "gr": 1, "gram": 1, "grams": 1, "kg": 1000, "kilo": 1000, "mg": 0.001, "lb": 453.592,
             "lbs": 453.592, "그램": 1, "킬로": 1000},
    "length": {"cm": 10, "mm": 1, "m": 1000, "mtr": 1000, "센티": 10, "미터": 1000},
    "diagonal": {"in": 1, "inch": 1, "inches": 1, "zoll": 1, "인치": 1, "ft": 12, "feet": 12},
    "power": {"w": 1, "watt": 1, "watts": 1, "kw": 1000, "와트": 1},
    "count": {"pcs": 1, "pc": 1, "pack": 1, "packs": 1, "pk": 1, "piece": 1, "pieces": 1, "ct": 1, "count": 1,
              "set": 1, "sets": 1, "개": 1, "개입": 1, "매": 1, "세트": 1, "팩": 1, "입": 1, "박스": 1, "병": 1},
    "other": {"v": 1, "volt": 1, "mah": 1, "hz": 1, "khz": 1e3, "mhz": 1e6, "ghz": 1e9, "mp": 1, "megapixel": 1, "p": 1,
              "k": 1, "x": 1, "d": 1, "mbps": 1, "gbps": 1, "dpi": 1, "rpm": 1, "btu": 1, "bit": 1, "fps": 1, "nm": 1,
              "db": 1, "dbm": 1, "st": 1, "nd": 1, "rd": 1, "th": 1, "yr": 1, "year": 1, "years": 1, "months": 1,
              "person": 1, "인용": 1, "단": 1, "구": 1, "호": 1, "door": 1, "doors": 1, "seater": 1, "way": 1,
              "star": 1, "place": 1, "channel": 1, "ch": 1, "core": 1, "sim": 1, "도어": 1, "세": 1},
}  # fmt: skip
_KIND_OF = {unit: (kind, factor) for kind, units in reversed(_UNITS.items()) for unit, factor in units.items()}
_UNIT = "|".join(sorted((re.escape(unit) for unit in _KIND_OF), key=len, reverse=True))
_QUANTITY = re.compile(rf"(?<![\w.])(\d+(?:[.,]\d+)?)[\s\-]?({_UNIT})(?![a-z\d])")
_DIGIT = re.compile(r"\d")
_ONLY_QUANTITY = re.compile(rf"(?:\d+x)*\d+(?:{_UNIT})")
_DIMENSIONS = re.compile(r"\d+(?:x\d+)+(?:cm|mm|in|m)?")

# Quantities of these kinds tell one sellable item from another; the rest (watts, hertz) is not always written.
TELLING = frozenset(["storage", "volume", "mass", "count"])


def is_quantity(token: str) -> bool:
    """Whether a casefolded token of letters and digits is a number with a unit or a dimension: "55in", "2x4"."""
    return bool(_ONLY_QUANTITY.fullmatch(token) or _DIMENSIONS.fullmatch(token))


def title_quantities(title: str) -> dict[str, float]:
    """The largest quantity of each telling kind in a casefolded title, in its first unit.

    The largest, since "4gb 64gb" and "64gb" are one phone, "4gb 64gb" and "4gb 128gb" are two.
    """
    found: dict[str, float] = {}
    if not _DIGIT.search(title):
        return found
    for number, unit in _QUANTITY.findall(title):
        kind, factor = _KIND_OF[unit]
        if kind in TELLING:
            found[kind] = max(found.get(kind, 0.0), round(float(number.replace(",", ".")) * factor, 3))
    return found


def all_quantities(title: str) -> set[str]:
    """Every quantity of a casefolded title, in the first unit of its kind: "1tb 60hz" = "1024 storage", "60 hz"."""
    found = set()
    for number, unit in _QUANTITY.findall(title) if _DIGIT.search(title) else ():
        kind, factor = _KIND_OF[unit]
        name = unit if kind == "other" else kind
        found.add(f"{round(float(number.replace(',', '.')) * factor, 3):g} {name}")
    return found


def numbers(words: Iterable[str]) -> frozenset[str]:
    """All words that begin with a digit: two titles that differ here are of different items."""
    return frozenset(word for word in words if word[0].isdigit())
