"""Named arrays in one file: written aside and renamed, read through the memory map."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from eclip.errors import StoreError
from eclip.files import replace_file

_MAGIC = b"eclip arrays 1\n"
_ALIGNMENT = 64  # bytes


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    """Write arrays and a few facts (JSON); the file takes the place of an earlier one once it is whole.

    Raises:
        DiskError: The disk is full, or the place can't be written.
    """
    place, described = 0, {}
    for name, array in arrays.items():
        described[name] = {"dtype": array.dtype.str, "shape": array.shape, "offset": place}
        place += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    header = json.dumps({"facts": dict(facts), "arrays": described, "bytes": place}).encode()
    header += b" " * (-(len(_MAGIC) + 9 + len(header)) % _ALIGNMENT)
    with replace_file(path) as aside, aside.open("wb") as file:
        file.write(_MAGIC + f"{len(header):08x}\n".encode() + header)
        for array in arrays.values():
            np.ascontiguousarray(array).tofile(file)
            file.write(b"\0" * (-array.nbytes % _ALIGNMENT))


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays, mapped and read-only, and facts of such a file.

    Raises:
        StoreError: No such file, not one of these, or cut off.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC) + 9)
            if not start.startswith(_MAGIC) or len(start) < len(_MAGIC) + 9:
                raise StoreError(f"{path}: is no file of arrays; make it anew with `eclip prepare`")
            header = json.loads(file.read(int(start[len(_MAGIC) :], 16)))
            begin = file.tell()
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: can't be read ({error}); make it anew with `eclip prepare`") from error
    if path.stat().st_size != begin + header["bytes"]:
        raise StoreError(f"{path}: is cut off; make it anew with `eclip prepare`")
    data = np.memmap(path, dtype=np.uint8, mode="r")
    return {name: _view(data, begin, **one) for name, one in header["arrays"].items()}, header["facts"]


def _view(data: np.ndarray, begin: int, *, dtype: str, shape: list[int], offset: int) -> np.ndarray:
    num_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    part = np.asarray(data)[begin + offset : begin + offset + num_bytes]
    return part.view(dtype).reshape(shape)
