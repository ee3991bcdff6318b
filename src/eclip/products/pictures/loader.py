"""Reads the pictures that cells name, many at once: files by as many threads as processors, addresses by more."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from eclip.products.pictures.decode import decode_picture
from eclip.products.pictures.fetch import Fetcher, FetchImages
from eclip.products.pictures.picture import Picture, PictureNotFetchedError
from eclip.products.pictures.sources import ObjectStorage, is_remote, local_bytes, named_picture


class PictureLoader:
    """Brings and decodes pictures in the background; to be used as a context.

    Waiting for servers and decoding have threads of their own: no more pictures are decoded at once than
    there are processors, however many are under way.

    Args:
        folder: Where relative paths start, and below which every file must lie.
        fetch_images: Which addresses are fetched; "none" also leaves `s3://` alone.
        fetcher: Stands in for the usual one, with other limits.
        decoders: Pictures decoded at once; None = as many as processors.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fetch_images: FetchImages = "public",
        fetcher: Fetcher | None = None,
        decoders: int | None = None,
    ) -> None:
        self._folder = folder
        self._fetcher = fetcher or Fetcher(public_only=fetch_images != "any")
        self._storage = ObjectStorage()
        self._fetches = fetch_images != "none"
        self._decoders = ThreadPoolExecutor(decoders or os.cpu_count() or 1, thread_name_prefix="decode")
        self._waiters = ThreadPoolExecutor(self._fetcher.limits.requests, thread_name_prefix="fetch")

    def __enter__(self) -> PictureLoader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiters.shutdown(cancel_futures=True)
        self._decoders.shutdown(cancel_futures=True)
        self._fetcher.close()

    def batch(self, folder: Path | None = None) -> Callable[[Any], Future[Picture | None]]:
        """What starts to read the picture of a cell; within one batch each path or address is read once.

        Args:
            folder: Where this batch's relative paths start; None = where the loader's do.
        """
        below = self._folder if folder is None else folder
        started: dict[str, Future[Picture | None]] = {}

        def start(cell: Any) -> Future[Picture | None]:
            named = named_picture(cell)
            if not isinstance(named, str):
                return self._decoders.submit(_decode_given, named)
            if named not in started:
                started[named] = self._start(named, below)
            return started[named]

        return start

    def read(self, cell: Any) -> Picture | None:
        """The picture a cell names, None if the cell is empty; waits for it.

        Raises:
            PictureNotFetchedError: It lies behind an address that is not fetched or gave nothing.
            UnreadablePictureError: No such file, outside the folder, or not decodable as a whole.
        """
        return self.batch()(cell).result()

    def _start(self, name: str, folder: Path) -> Future[Picture | None]:
        if is_remote(name):
            return self._waiters.submit(self._fetch, name)
        return self._decoders.submit(lambda: decode_picture(local_bytes(name, folder)))

    def _fetch(self, name: str) -> Picture | None:
        if not self._fetches:
            raise PictureNotFetchedError
        source = self._storage if name.lower().startswith("s3://") else self._fetcher
        return self._decoders.submit(decode_picture, source.fetch(name)).result()


def _decode_given(data: bytes | None) -> Picture | None:
    return decode_picture(data) if data else None
