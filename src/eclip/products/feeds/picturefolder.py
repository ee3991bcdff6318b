"""A folder of pictures and nothing else as a feed: one product a picture, sub-folders as categories."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from eclip.errors import FeedError
from eclip.products.feeds.encoding import is_broken
from eclip.products.feeds.feed import Row, RowFeed, file_stamp

PICTURE_ENDINGS = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".heic", ".heif", ".bmp", ".tif", ".tiff")
)


class PictureFolder(RowFeed):
    """Pictures below a folder, in the order of their names.

    `product_id` is the path below the folder without its ending (with it, where two pictures differ in nothing
    else), `image` the path, `category` the sub-folders from the root on, where there are any.

    Raises:
        FeedError: No picture in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.source = folder, str(folder)
        depth = max((len(name.parts) for name in picture_names(folder)), default=0)
        if not depth:
            raise FeedError("is a folder without feeds (.csv, .jsonl, .parquet, ...) and without pictures", path=folder)
        self.columns = ("product_id", "image", "category") if depth > 1 else ("product_id", "image")

    def numbered_rows(self) -> Iterator[tuple[int, Row]]:
        """See `RowFeed`."""
        seen: set[str] = set()
        for number, name in enumerate(picture_names(self.folder), 1):
            stem = str(name.with_suffix(""))
            product_id = str(name) if stem in seen else stem
            seen.add(stem)
            folders = list(name.parent.parts)
            category = json.dumps(folders, ensure_ascii=False) if folders else None
            row: Row = {"product_id": product_id, "image": str(name), "category": category}
            yield number, f"its name is no UTF-8: {os.fsencode(name)!r}" if is_broken(str(name)) else row

    def facts(self) -> dict[str, object]:
        """Number, size and newest time of the pictures."""
        stamps = [stamp for name in picture_names(self.folder) if (stamp := file_stamp(self.folder / name))]
        return {
            "path": self.source,
            "files": len(stamps),
            "bytes": sum(size for size, _, _ in stamps),
            "modified_ns": max((modified for _, modified, _ in stamps), default=0),
        }


def picture_names(folder: Path) -> Iterator[PurePosixPath]:
    """Pictures below a folder, relative to it, sorted folder by folder; hidden ones left out."""
    for name in files_below(folder):
        if name.suffix.lower() in PICTURE_ENDINGS:
            yield name


def files_below(folder: Path) -> Iterator[PurePosixPath]:
    """Files below a folder, relative to it, sorted; those whose name, or folder's, begins with `.` or `_` left out."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] not in "._")
        below = PurePosixPath(Path(place).relative_to(folder).as_posix())
        for name in sorted(files):
            if name[0] not in "._":
                yield below / name
