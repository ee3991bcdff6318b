"""The pictures of each row of a batch: started all at once, gathered row by row with what is to be said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from eclip.products.cells import json_or_same
from eclip.products.pictures.picture import Picture, PictureNotFetchedError, UnreadablePictureError

_EXTRA_SEPARATOR = "|"


@dataclass
class RowPictures:
    """Main and extra pictures of one row, and what is to be said of them."""

    main: Picture | None = None
    extra: list[Picture] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)


def picture_tasks(
    mains: Sequence[Any], extras: Sequence[Any], start: Callable[[Any], Future]
) -> Iterator[tuple[Future, list[Future]]]:
    """Start to read all pictures of a batch."""
    return iter(
        [
            (start(main), [start(source) for source in extra_sources(more)])
            for main, more in zip(mains, extras, strict=True)
        ]
    )


def extra_sources(cell: Any) -> list[Any]:
    """What a cell of further pictures names: a list, the JSON of one, or names parted by `|`."""
    value = json_or_same(cell)
    if isinstance(value, str):
        return value.split(_EXTRA_SEPARATOR)
    return list(value) if isinstance(value, list | tuple) else [value] if value else []


def gather_pictures(main: Future, extras: Sequence[Future]) -> RowPictures:
    """The pictures of one row; a first extra picture steps in for a main one that is missing."""
    found = RowPictures()
    found.main = _result_or_flag(main, "", found.flags)
    for extra in extras:
        picture = _result_or_flag(extra, "extra ", found.flags)
        if picture is not None:
            found.extra.append(picture)
    if found.main is None and found.extra:
        found.main = found.extra.pop(0)
        found.flags.append("extra picture taken as main")
    return found


def _result_or_flag(task: Future, which: str, flags: list[str]) -> Picture | None:
    try:
        picture: Picture | None = task.result()
    except PictureNotFetchedError as fault:
        flags.append(f"{which}image not fetched" + (f": {fault}" if str(fault) else ""))
    except UnreadablePictureError as fault:
        flags.append(f"unreadable {which}picture: {fault}")
    else:
        flags += [f"{which}{flag}" for flag in picture.flags] if picture else []
        return picture
    return None
