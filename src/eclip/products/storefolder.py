"""The folder of a store on its way: made aside, renamed when whole, removed when not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from eclip.errors import StoreError
from eclip.files import is_leftover
from eclip.products.store import read_manifest
from eclip.products.writelock import only_writer
from eclip.schema import (
    PRODUCTS_DATASET,
    REJECTS_DATASET,
    STORE_CACHE,
    STORE_CONFLICTS,
    STORE_INCOMING,
    STORE_LOCK,
    STORE_MANIFEST,
    STORE_REPORT,
)

_OWN_NAMES = {
    PRODUCTS_DATASET,
    REJECTS_DATASET,
    STORE_CACHE,
    STORE_CONFLICTS,
    STORE_INCOMING,
    STORE_LOCK,
    STORE_REPORT,
    STORE_MANIFEST,
}


@contextmanager
def partial_folder(store: Path) -> Iterator[Path]:
    """Yield a folder beside STORE; rename it to STORE when the block ends well, remove it when it does not.

    A finished store of that name stays until the new one is whole, and nobody else may write it meanwhile. A partial
    folder that a killed run left is cleared first, and a store that it had moved aside is brought back.

    Raises:
        StoreError: `store` is a file or a folder of something else, or another process is making or writing it.
    """
    partial, old = _beside(store, "partial"), _beside(store, "old")
    if old.exists() and not store.exists() and _is_store(old):
        old.rename(store)
    check_replaceable(store)
    with ExitStack() as locks:
        if store.exists():
            locks.enter_context(only_writer(store))
        if partial.is_dir():
            with only_writer(partial):  # held as long as the run that made it lives
                pass
        _clear(partial)
        _clear(old)
        partial.mkdir(parents=True)
        locks.enter_context(only_writer(partial))
        try:
            yield partial
            _put_in_place(partial, store, old)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def clear_leftovers(store: Path) -> None:
    """Remove what a killed run left beside a store; whoever calls has the right to write it.

    Raises:
        StoreError: Something of those names is no leftover.
    """
    for ending in ("partial", "old"):
        _clear(_beside(store, ending))


def folder_bytes(folder: Path) -> int:
    """Size of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def check_replaceable(store: Path) -> None:
    """Refuse to replace what is no product store.

    Raises:
        StoreError: A file, or a folder with other things in it.
    """
    if store.is_dir():
        names = _names(store)
        strange = sorted(names - _OWN_NAMES)
        if strange:
            raise StoreError(f"{store}: holds {strange[0]}, which is no part of a store; name a new or empty folder")
        if names and not (read_manifest(store) or {}).get("version"):
            raise StoreError(f"{store}: holds other files and no product store; name a new or empty folder")
    elif store.exists():
        raise StoreError(f"{store}: is a file; name a folder for the store")


def _beside(store: Path, ending: str) -> Path:
    """A name that no user would give to anything of his own."""
    return store.with_name(f".{store.name}.eclip-{ending}")


def _is_store(folder: Path) -> bool:
    return folder.is_dir() and _names(folder) <= _OWN_NAMES and read_manifest(folder) is not None


def _names(folder: Path) -> set[str]:
    """What lies in a folder, but for files that a killed process left on their way."""
    return {entry.name for entry in folder.iterdir() if not is_leftover(entry.name)}


def _clear(folder: Path) -> None:
    """Remove what an earlier run left, and only that."""
    if not folder.exists():
        return
    if not folder.is_dir() or _names(folder) - _OWN_NAMES:
        raise StoreError(f"{folder}: is in the way and holds other files; move it away")
    shutil.rmtree(folder)


def _put_in_place(partial: Path, store: Path, old: Path) -> None:
    """The old store aside, the new one in, the old one away."""
    if store.exists():
        store.rename(old)
    partial.rename(store)
    shutil.rmtree(old, ignore_errors=True)
