"""Text files as sellers write them: plain or gzipped, UTF-8, -16 or -32, cp949 or Windows-1252, marked or not."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO, cast

_GZIP = b"\x1f\x8b"
_SAMPLE_BYTES = 4096
_SAMPLE_LINES = 1000  # with letters beyond ASCII: enough to tell UTF-8 from cp949
_LONGEST_LINE = 1 << 20  # of the sample: a longer one is looked at in pieces
# Share of the lines that an encoding must read before Windows-1252 is tried: hardly any other text is UTF-8 by
# chance, but two accented letters in a row can be one of cp949's.
_ENOUGH = {"utf-8": 0.5, "cp949": 0.8}
# UTF-32 first: its mark begins with that of UTF-16.
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MAX_LINE_CHARS = 64 << 20
_ENDS = ("\n", "\r")
# A file that unpacks to more than both is made to fill a memory or a disk: text shrinks to a twentieth, rarely less.
_UNPACKED_BYTES, _UNPACKED_TIMES = 1 << 30, 200


class LongLine(str):
    """Stands for a line of more than `MAX_LINE_CHARS`, which was passed over."""

    __slots__ = ()


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked where it is gzipped (whatever its name says)."""
    file = path.open("rb")
    head = file.read(2)
    file.seek(0)
    if head != _GZIP:
        return file
    file.close()
    return cast("BinaryIO", _Unpacked(path))


class _Unpacked(gzip.GzipFile):
    """A gzipped file that is given up when it unpacks to far more than any text does.

    Raises:
        OSError: On reading on, when it does.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")
        self._most = max(_UNPACKED_BYTES, _UNPACKED_TIMES * path.stat().st_size)

    def read(self, size: int | None = -1) -> bytes:
        """See `io.BufferedIOBase`."""
        return self._counted(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        """See `io.BufferedIOBase`."""
        return self._counted(super().read1(size))

    def readline(self, size: int | None = -1) -> bytes:  # type: ignore[override]
        """See `io.IOBase`."""
        return self._counted(super().readline(size))

    def _counted(self, data: bytes) -> bytes:
        if self.tell() > self._most:
            raise OSError(f"it unpacks to more than {_UNPACKED_TIMES} times its size, as no feed does")
        return data


def head_bytes(path: Path) -> bytes:
    """The first bytes of a file, unpacked where it is gzipped."""
    with open_bytes(path) as file:
        return file.read(_SAMPLE_BYTES)


def open_text(path: Path, encoding: str) -> TextIO:
    """Open so that bytes which can't be decoded survive as marks in their own row only."""
    errors = "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, errors=errors, newline="")


def text_lines(file: TextIO) -> Iterator[str]:
    """The lines of a text with their ends; never more than `MAX_LINE_CHARS` are held for one."""
    while line := file.readline(MAX_LINE_CHARS):
        if len(line) < MAX_LINE_CHARS or line.endswith(_ENDS):
            yield line
            continue
        while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith(_ENDS):
            pass
        yield LongLine()


def is_broken(text: str) -> bool:
    """Whether a text that `open_text` gave holds bytes which could not be decoded."""
    return any("\udc80" <= letter <= "\udcff" for letter in text) if not text.isascii() else False


def marked_encoding(head: bytes) -> str | None:
    """What a byte order mark at the beginning says."""
    return next((name for mark, name in _BOMS if head.startswith(mark)), None)


def text_encoding(path: Path) -> str:
    """UTF-8, UTF-16, UTF-32, cp949 (the Korean Windows code page, holds EUC-KR) or Windows-1252.

    By byte order mark, else by trying lines with letters beyond ASCII. A few broken bytes do not decide: the
    encoding that reads more of the lines wins. Windows-1252 reads nearly any bytes, so it is taken only where
    neither of the other two reads enough of them.
    """
    with open_bytes(path) as file:
        head = file.read(_SAMPLE_BYTES)
        if marked := marked_encoding(head):
            return marked
        if head[1::2].count(0) > len(head) // 4:
            return "utf-16-le"
        if head[0::2].count(0) > len(head) // 4:
            return "utf-16-be"
        file.seek(0)
        pieces = iter(lambda: file.readline(_LONGEST_LINE), b"")
        lines = list(islice((line for line in pieces if not line.isascii()), _SAMPLE_LINES))
    readable = {name: sum(_reads(line, name) for line in lines) for name in ("utf-8", "cp949")}
    best = "cp949" if readable["cp949"] > readable["utf-8"] else "utf-8"
    if readable[best] < _ENOUGH[best] * len(lines) and sum(_reads(line, "cp1252") for line in lines) > readable[best]:
        return "cp1252"
    return best


def _reads(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
