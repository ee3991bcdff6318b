"""What requests are answered from: one version of store and model, which a newer one may replace at any moment."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from eclip.errors import EclipError, StoreError

if TYPE_CHECKING:
    from eclip.products.store import Store
    from eclip.search.engine import SearchEngine
    from eclip.serve.listings import ListingAnswers

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A store and a model, opened together; nothing in it changes.

    Attributes:
        engine: Searches them.
        store: The store at the version that the engine has read; None in tests of the search alone.
        model: What tells of the model (`eclip.lineage.model_facts`), and as `tasks` the digest of its fitted tasks.
        listings: What the fitted tasks say of listings; None where there is no store.
        modalities: What the model has learned to read.
    """

    engine: SearchEngine
    store: Store | None = None
    model: Mapping[str, Any] | None = None
    listings: ListingAnswers | None = None
    modalities: tuple[str, ...] = ("image", "text")

    @property
    def version(self) -> str:
        """Changes when the store, the model or one of its tasks does; the same wherever the same ones are served."""
        if self.model is None:
            return self.engine.version
        return hashlib.sha256(f"{self.engine.version}\0{self.model['tasks']}".encode()).hexdigest()[:16]


class Source(Protocol):
    """Where snapshots come from."""

    def fingerprint(self) -> str:
        """Changes when a newer version lies there; cheap, as it is asked every few seconds."""

    def open(self, before: Snapshot | None) -> Snapshot:
        """The newest version, whole; an `EclipError` where it can't be opened.

        Args:
            before: What is served meanwhile: what has not changed of it can be taken over.
        """


class Live:
    """The snapshot that counts now.

    A request takes `current` once and keeps it to its end, so that no answer mixes two versions.

    Args:
        snapshot: The first one.
        source: Where newer ones come from; None = there are none.
        fingerprint: The source's, from before `snapshot` was opened.

    Attributes:
        on_change: Told of each new snapshot.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        source: Source | None = None,
        fingerprint: str = "",
    ) -> None:
        self._snapshot, self._source, self._fingerprint = snapshot, source, fingerprint
        self._lock = threading.Lock()
        self.on_change: list[Callable[[Snapshot], None]] = []

    @classmethod
    def of(cls, source: Source) -> Live:
        """The newest version of a source.

        Raises:
            EclipError: It can't be opened.
        """
        fingerprint = source.fingerprint()  # first: what changes meanwhile is then seen at the next look
        return cls(source.open(None), source=source, fingerprint=fingerprint)

    @property
    def current(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    def answer(self, work: Callable[[Snapshot], T]) -> T:
        """Do the work with the newest snapshot; again with a newer one if its store was replaced meanwhile.

        Raises:
            StoreError: The store can't be read, and there is no newer one.
        """
        snapshot = self._snapshot
        try:
            return work(snapshot)
        except StoreError:
            with suppress(EclipError):  # the first fault tells more
                self.refresh()
            if self._snapshot is snapshot:
                raise
            return work(self._snapshot)

    def newer_fingerprint(self) -> str | None:
        """The source's, where it has changed since the newest snapshot; None where it has not."""
        seen = self._source.fingerprint() if self._source is not None else self._fingerprint
        return None if seen == self._fingerprint else seen

    def refresh(self) -> bool:
        """Take up a newer version if there is one; requests go on with the old one until it is whole.

        Returns:
            Whether there was one.

        Raises:
            EclipError: It can't be opened; the old one stays.
        """
        with self._lock:
            seen = self.newer_fingerprint()
            if seen is None or self._source is None:
                return False
            snapshot = self._source.open(self._snapshot)
            self._snapshot, self._fingerprint = snapshot, seen
        for tell in self.on_change:
            tell(snapshot)
        return True
