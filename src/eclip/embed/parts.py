"""Long encoding jobs in parts on disk, so that an interrupted one goes on with the next part.

Parts lie in a folder whose name tells what they are of; each is written aside, then renamed. They are
Arrow files: Parquet would not give fixed-size lists with nulls back (pyarrow 25).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import feather

from eclip.files import replace_file
from eclip.progress import stage

ROWS_A_PART = 1_024

EncodeRows = Callable[[pa.Table], pa.Table]


def parts_folder(beside: Path, *identity: object) -> Path:
    """Folder for the parts of one job; another model or source has another one."""
    digest = hashlib.sha256(repr((*identity, ROWS_A_PART)).encode()).hexdigest()[:12]
    return beside.with_name(f"{beside.name}.{digest}.parts")


def part_file(folder: Path, index: int) -> Path:
    """Where a part lies."""
    return folder / f"part-{index:06d}.arrow"


def encode_in_parts(
    name: str, batches: Iterable[pa.Table], encode: EncodeRows, *, folder: Path, num_rows: int | None
) -> list[Path]:
    """Encode each batch of rows into a part, skipping those that are there; returns all parts in order."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    with stage(name, num_rows) as advance:
        for index, rows in enumerate(batches):
            part = part_file(folder, index)
            if not part.is_file():
                with replace_file(part) as aside:
                    feather.write_feather(encode(rows), aside, compression="uncompressed")
            parts.append(part)
            advance(rows.num_rows)
    return parts


def read_parts(parts: Iterable[Path]) -> Iterator[pa.Table]:
    """The tables of the parts, one at a time."""
    return (feather.read_table(part, memory_map=False) for part in parts)


def remove_parts(folder: Path) -> None:
    """Remove the parts once their whole is written."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_all_parts(beside: Path) -> None:
    """Remove the parts of every job that was to end in this file, which is written: of an older feed or model too."""
    for folder in beside.parent.iterdir() if beside.parent.is_dir() else ():
        if folder.name.startswith(f"{beside.name}.") and folder.name.endswith(".parts"):
            remove_parts(folder)
