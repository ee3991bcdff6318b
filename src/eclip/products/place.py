"""Where a store lies: a folder, or a prefix in object storage; all that the rest of the code asks of it.

Lance reads and writes datasets in both alike, by their addresses. What differs is here: small files, the one writer
at a time, and how a new store comes to stand where an old one stood.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from eclip.errors import ConfigError
from eclip.schema import STORE_MANIFEST

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # of two letters at least: C:/ is a folder

StoreName = str | Path  # text for s3://bucket/prefix: a path would fold its slashes


class StorePlace(Protocol):
    """A folder or a prefix; `str` of it is what a user calls it."""

    @property
    def cache(self) -> Path:
        """A folder of this machine for what can be made again."""

    @property
    def incoming(self) -> Path:
        """A folder of this machine for listings on their way in."""

    def exists(self) -> bool:
        """Whether anything is there."""

    def names(self) -> set[str]:
        """Files and folders right in it, but for half-written ones."""

    def names_in(self, folder: str) -> set[str]:
        """As `names`, of a folder in it; nothing where there is none."""

    def dataset(self, name: str) -> str:
        """The address of a dataset, as Lance takes it."""

    def read_text(self, name: str) -> str | None:
        """A small file; None where it is missing or can't be read as text."""

    def write_text(self, name: str, text: str) -> None:
        """Put a small file in place, whole or not at all."""

    def read_bytes(self, name: str) -> bytes | None:
        """A file, or one of a folder in it (`folder/file`); None where it is missing."""

    def write_bytes(self, name: str, data: bytes) -> None:
        """Put a file in place, whole or not at all; folders are made."""

    def remove(self, name: str) -> None:
        """Remove a folder in it, with all that it holds; one that is not there is fine."""

    def num_bytes(self) -> int:
        """Size of everything in it."""

    def writing(self) -> AbstractContextManager[None]:
        """Turn what libraries say of a full disk or a silent server into one clear line."""

    def only_writer(self) -> AbstractContextManager[None]:
        """Hold the right to change what is there; a `StoreError` where another process holds it."""

    def check_replaceable(self) -> None:
        """Refuse, by a `StoreError`, to make a store where something else is."""

    def made_anew(self) -> AbstractContextManager[StorePlace]:
        """Yield the place to write a new store to, which an old one outlives until the new one is whole."""

    def clear_leftovers(self) -> None:
        """Remove what killed runs left, and caches; whoever calls holds the right to write."""


def store_place(name: StoreName) -> StorePlace:
    """The place of that name: a folder, or `s3://bucket/prefix`.

    Raises:
        ConfigError: An address of another kind, or not well-formed.
        MissingExtraError: Object storage needs a library that is not there.
    """
    from eclip.products.storebucket import BucketPlace
    from eclip.products.storefolder import FolderPlace

    text = str(name)
    if not _SCHEME.match(text):
        return FolderPlace(Path(name))
    if not text.startswith("s3://"):
        advice = "give the address as text" if text.startswith("s3:/") else "other object storage is not supported"
        raise ConfigError(f"{text}: expected a folder or s3://bucket/prefix for a store; {advice}")
    bucket, *parts = text.removeprefix("s3://").rstrip("/").split("/")
    if not bucket or not all(parts) or {".", ".."} & set(parts):
        raise ConfigError(f"{text}: expected s3://bucket/prefix for a store")
    return BucketPlace(bucket, "".join(f"{part}/" for part in parts))


def holds_store(source: StoreName) -> bool:
    """Whether a source is a store rather than a feed: no feed lies at s3://."""
    return str(source).startswith("s3:/") or (Path(source) / STORE_MANIFEST).exists()
