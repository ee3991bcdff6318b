"""A store in a folder. A new one is made aside, renamed when whole, removed when not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from eclip.errors import DiskError, StoreError
from eclip.files import is_leftover, replace_file, write_text, writing
from eclip.products.manifest import read_manifest
from eclip.products.place import StorePlace
from eclip.products.writelock import only_writer
from eclip.schema import STORE_CACHE, STORE_INCOMING, STORE_LOCK, STORE_NAMES


@dataclass(frozen=True)
class FolderPlace:
    """A folder of this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def cache(self) -> Path:
        """A folder in the store."""
        return self.path / STORE_CACHE

    @property
    def incoming(self) -> Path:
        """A folder in the store."""
        return self.path / STORE_INCOMING

    def exists(self) -> bool:
        """Whether anything of this name is there."""
        with _looking(self.path):
            return self.path.exists()

    def names(self) -> set[str]:
        """What lies in it, but for files that a killed process left on their way."""
        return self.names_in("")

    def names_in(self, folder: str) -> set[str]:
        """Likewise, of a folder in it."""
        with _looking(self.path):
            return _names(self.path / folder) if (self.path / folder).is_dir() else set()

    def dataset(self, name: str) -> str:
        """Its path."""
        return str(self.path / name)

    def read_text(self, name: str) -> str | None:
        """A file; None where it is missing or can't be read as text.

        Raises:
            StoreError: This user may not read it.
        """
        with _looking(self.path):
            try:
                return (self.path / name).read_text(encoding="utf-8")
            except PermissionError:
                raise
            except (OSError, UnicodeDecodeError):
                return None

    def write_text(self, name: str, text: str) -> None:
        """Write a file aside, then rename it."""
        write_text(self.path / name, text)

    def read_bytes(self, name: str) -> bytes | None:
        """A file; None where it is missing.

        Raises:
            StoreError: This user may not read it.
        """
        with _looking(self.path):
            try:
                return (self.path / name).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a file aside, then rename it."""
        with replace_file(self.path / name) as aside:
            aside.write_bytes(data)

    def remove(self, name: str) -> None:
        """A folder in it."""
        if (self.path / name).exists():
            shutil.rmtree(self.path / name)

    def num_bytes(self) -> int:
        """Size of all files below it."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())

    def writing(self) -> AbstractContextManager[None]:
        """What a full or forbidden disk says, in one line."""
        return writing(self.path)

    def only_writer(self) -> AbstractContextManager[None]:
        """Hold the file lock."""
        return only_writer(self.path)

    def check_replaceable(self) -> None:
        """Refuse to replace what is no product store."""
        with _looking(self.path):
            check_replaceable(self.path)

    @contextmanager
    def made_anew(self) -> Iterator[StorePlace]:
        """A folder beside it, which takes its place."""
        with partial_folder(self.path) as partial:
            yield FolderPlace(partial)

    def clear_leftovers(self) -> None:
        """Remove what killed runs left in it and beside it, and its caches."""
        for name in (STORE_CACHE, STORE_INCOMING):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for ending in ("partial", "old"):
            _clear(_beside(self.path, ending))


@contextmanager
def _looking(store: Path) -> Iterator[None]:
    """Look at a store that may be forbidden: then nothing is known of it, not even that it is missing.

    Raises:
        StoreError: This user may not.
    """
    try:
        yield
    except PermissionError as fault:
        raise StoreError(f"{store}: can't be read: {fault.strerror} ({fault.filename}); see to its rights") from None


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
        try:
            partial.mkdir(parents=True)
        except FileNotFoundError as fault:  # in place of EPERM, from file systems that take no folders (/proc)
            raise DiskError(f"can't make a folder in {partial.parent}; name another place") from fault
        locks.enter_context(only_writer(partial))
        try:
            yield partial
            _put_in_place(partial, store, old)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def check_replaceable(store: Path) -> None:
    """Refuse to replace what is no product store.

    Raises:
        StoreError: A file, or a folder with other things in it.
    """
    if store.is_dir():
        names = _names(store)
        strange = sorted(names - STORE_NAMES)
        if strange:
            raise StoreError(f"{store}: holds {strange[0]}, which is no part of a store; name a new or empty folder")
        # In a folder that was empty a first run that failed leaves the lock alone.
        if names - {STORE_LOCK} and not (read_manifest(FolderPlace(store)) or {}).get("version"):
            raise StoreError(f"{store}: holds other files and no product store; name a new or empty folder")
    elif store.exists():
        raise StoreError(f"{store}: is a file; name a folder for the store")


def _beside(store: Path, ending: str) -> Path:
    """A name that no user would give to anything of his own."""
    return store.with_name(f".{store.name}.eclip-{ending}")


def _is_store(folder: Path) -> bool:
    return folder.is_dir() and _names(folder) <= STORE_NAMES and read_manifest(FolderPlace(folder)) is not None


def _names(folder: Path) -> set[str]:
    """What lies in a folder, but for files that a killed process left on their way."""
    return {entry.name for entry in folder.iterdir() if not is_leftover(entry.name)}


def _clear(folder: Path) -> None:
    """Remove what an earlier run left, and only that."""
    if not folder.exists():
        return
    if not folder.is_dir() or _names(folder) - STORE_NAMES:
        raise StoreError(f"{folder}: is in the way and holds other files; move it away")
    shutil.rmtree(folder)


def _put_in_place(partial: Path, store: Path, old: Path) -> None:
    """The old store aside, the new one in, the old one away."""
    if store.exists():
        store.rename(old)
    partial.rename(store)
    shutil.rmtree(old, ignore_errors=True)
