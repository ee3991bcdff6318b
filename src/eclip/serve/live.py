"""What requests are answered from: one version of store and model, which a newer one may replace at any moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eclip.products.store import Store
    from eclip.search.engine import SearchEngine


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A store and a model, opened together; nothing in it changes.

    Attributes:
        engine: Searches them.
        store: The store at the version that the engine has read; None in tests of the search alone.
        model: The model's folder, likewise; MODEL/tasks lies in it.
    """

    engine: SearchEngine
    store: Store | None = None
    model: Path | None = None


class Live:
    """The snapshot that counts now.

    A request takes `current` once and keeps it to its end, so that no answer mixes two versions.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @property
    def current(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot
