"""Cells of CSV files that a spreadsheet would run: made text there, and given back as they were to programs.

A title or id of a feed may be `=HYPERLINK("http://...")` or `-1+cmd|' /C calc'!A0`, and runs for whoever opens the file
in a spreadsheet. Such a cell gets an apostrophe in front, which spreadsheets take for "this is text"; `original` takes
it off again. Everything else stays to the byte: "-20% Shirt" and "+82 10" are no formulas that could do anything, and
programs must read what was written.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_MARK = "'"
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060\ufeff]+")
# What a cell that begins with a sign needs to do more than to add numbers: a function, a program (DDE), another
# sheet's or file's cells, an address.
_DOES_SOMETHING = re.compile(r"[\w.]\s*\(|\||[\w'\]]!\s*\$?\w|['\"]#|#\$|://|\\\\")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would take a cell for a formula that can do more than arithmetic.

    Full-width signs (＝) count as well: some spreadsheets read them so.
    """
    blank = _UNSEEN.match(text)
    seen = text[blank.end() :] if blank else text
    sign = unicodedata.normalize("NFKC", seen[:1])
    return sign == "=" or (sign in ("+", "-", "−", "@") and _DOES_SOMETHING.search(seen) is not None)


def protected(cell: Any) -> Any:
    """A cell as it is written: what would be a formula gets an apostrophe in front, all else stays."""
    return _MARK + cell if isinstance(cell, str) and is_formula(cell.lstrip(_MARK)) else cell


def original(cell: str) -> str:
    """The cell that `protected` was given."""
    return cell[1:] if cell.startswith(_MARK) and is_formula(cell.lstrip(_MARK)) else cell
