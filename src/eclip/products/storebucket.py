"""A store at s3://bucket/prefix. Nothing there can be renamed, and nothing needs to be.

A new store, an update and a deletion alike make new versions of the datasets, which nobody reads before store.json,
one object put last, names them. One writer at a time holds a lease, and puts store.json only over the one that it
has found.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from eclip.errors import EclipError, StoreError
from eclip.files import writing
from eclip.products.bucket import Bucket
from eclip.products.lease import Lease, hold_lease
from eclip.products.place import StorePlace
from eclip.schema import STORE_INCOMING, STORE_LOCK, STORE_MANIFEST, STORE_NAMES


@dataclass
class _Writing:
    """What the holder of the lease knows: the lease, and the tag of store.json (None: there is none)."""

    lease: Lease
    manifest_tag: str | None


@dataclass
class BucketPlace:
    """A prefix of a bucket.

    Attributes:
        bucket: Its name.
        prefix: Empty, or ending in a slash.
    """

    bucket: str
    prefix: str
    _writer: _Writing | None = field(default=None, init=False, repr=False, compare=False)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def cache(self) -> Path:
        """A folder below the user's cache, of this store alone."""
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return caches / "eclip" / hashlib.sha256(str(self).encode()).hexdigest()[:16]

    @property
    def incoming(self) -> Path:
        """On this machine: only what is merged travels."""
        return self.cache / STORE_INCOMING

    def exists(self) -> bool:
        """Whether anything is there."""
        return bool(self.names())

    def names(self) -> set[str]:
        """What stands right below the prefix."""
        return self._objects.names(self.prefix)

    def names_in(self, folder: str) -> set[str]:
        """What stands right below a folder of it."""
        return self._objects.names(f"{self.prefix}{folder}/")

    def dataset(self, name: str) -> str:
        """Its address."""
        return f"{self}/{name}"

    def read_text(self, name: str) -> str | None:
        """A small object; None where it is missing or no text."""
        found = self._objects.get(self.prefix + name)
        try:
            return found.data.decode() if found else None
        except UnicodeDecodeError:
            return None

    def write_text(self, name: str, text: str) -> None:
        """Put a small object; store.json only while the lease is held, over the one that was found then."""
        key, data = self.prefix + name, text.encode()
        if name != STORE_MANIFEST:
            self._objects.put(key, data)
            return
        assert self._writer is not None
        self._writer.lease.renew()
        before = self._writer.manifest_tag
        tag = self._objects.put(key, data, tag=before, absent=before is None)
        if tag is None:
            raise StoreError(f"{self}: was changed by another command meanwhile; run the same command again")
        self._writer.manifest_tag = tag

    def read_bytes(self, name: str) -> bytes | None:
        """An object; None where it is missing."""
        found = self._objects.get(self.prefix + name)
        return found.data if found else None

    def write_bytes(self, name: str, data: bytes) -> None:
        """Put an object."""
        self._objects.put(self.prefix + name, data)

    def remove(self, name: str) -> None:
        """All objects below a name."""
        self._objects.delete_below(f"{self.prefix}{name}/")

    def num_bytes(self) -> int:
        """Size of all objects below the prefix."""
        return self._objects.num_bytes(self.prefix)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What Lance says of a silent or refusing server in one line."""
        try:
            with writing(self.cache):
                yield
        except EclipError:
            raise
        except (OSError, ValueError, RuntimeError) as error:
            if "LanceError" not in str(error):
                raise
            raise StoreError(f"{self}: writing failed: {str(error).splitlines()[0][:300]}") from error

    @contextmanager
    def only_writer(self) -> Iterator[None]:
        """Hold the lease."""
        with hold_lease(self._objects, self.prefix + STORE_LOCK, str(self)) as lease:
            found = self._objects.get(self.prefix + STORE_MANIFEST)
            self._writer = _Writing(lease, found.tag if found else None)
            try:
                yield
            finally:
                self._writer = None

    def check_replaceable(self) -> None:
        """Refuse to write where other objects are."""
        names = self.names()
        strange = sorted(names - STORE_NAMES)
        if strange:
            raise StoreError(f"{self}: holds {strange[0]}, which is no part of a store; name a new prefix")
        # Whoever begins a store takes the lease first: what he left when he was killed can be told by it.
        if names and not names & {STORE_MANIFEST, STORE_LOCK}:
            raise StoreError(f"{self}: holds other objects and no product store; name a new prefix")

    @contextmanager
    def made_anew(self) -> Iterator[StorePlace]:
        """The place itself: new versions beside the old ones; where no store was, nothing stays of a failed one."""
        self.check_replaceable()
        with self.only_writer():
            assert self._writer is not None
            try:
                yield self
            except BaseException:
                if self._writer.manifest_tag is None:
                    for name in self.names() - {STORE_LOCK}:
                        self._objects.delete_below(self.prefix + name)
                raise

    def clear_leftovers(self) -> None:
        """The cache on this machine is all there is."""
        shutil.rmtree(self.cache, ignore_errors=True)

    @property
    def _objects(self) -> Bucket:
        return Bucket(self.bucket)
