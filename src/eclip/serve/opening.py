"""Opens a store and a model for the service, and tells when either is newer."""

from __future__ import annotations

import hashlib
from pathlib import Path

from eclip.model.folder import load_model
from eclip.products.place import StoreName, store_place
from eclip.products.store import Store
from eclip.schema import MODEL_MANIFEST, MODEL_TASKS, STORE_MANIFEST
from eclip.search.opening import open_engine
from eclip.serve.batching import BatchingEncoder, OnBatch
from eclip.serve.listings import ListingAnswers
from eclip.serve.live import Snapshot


class ShopSource:
    """The newest version of a store and a model.

    Args:
        store: With vectors of this model.
        model: Its folder.
        on_batch: Told of each batch of queries that is encoded.
    """

    def __init__(self, store: StoreName, model: Path, *, on_batch: OnBatch | None = None) -> None:
        self._store, self._model, self._on_batch = store, model, on_batch
        self._encoder: tuple[str, BatchingEncoder] | None = None

    def fingerprint(self) -> str:
        """Digest of both manifests, and of the fitted tasks' files by size and time; what is missing has one, too."""
        told = [store_place(self._store).read_text(STORE_MANIFEST), _text_of(self._model / MODEL_MANIFEST)]
        for file in sorted((self._model / MODEL_TASKS).rglob("*")):
            try:
                facts = file.stat()
            except FileNotFoundError:
                continue  # being replaced; the next look sees what is there then
            told.append(f"{file.relative_to(self._model)}:{facts.st_size}:{facts.st_mtime_ns}")
        return hashlib.sha256(repr(told).encode()).hexdigest()

    def open(self, before: Snapshot | None) -> Snapshot:
        """Both, whole; the model is loaded anew only if it has changed.

        Args:
            before: What is served meanwhile. Where that has compared listings with the store, so will this one from
                the beginning.

        Raises:
            StoreError: The store can't be opened, or has no vectors of this model.
            ModelError: The model or one of its tasks can't be read, or was fitted on another model.
        """
        store = Store.open(self._store)
        model = load_model(self._model)
        encoder = self._batching(model.digest)
        listings = ListingAnswers(store, model, self._model / MODEL_TASKS)
        if before is not None and before.listings is not None and before.listings.compares_with_store:
            listings.compare_with_store()
        return Snapshot(
            engine=open_engine(store, encoder),
            store=store,
            model=self._model,
            listings=listings,
            modalities=model.modalities,
        )

    def _batching(self, digest: str) -> BatchingEncoder:
        """The model that encodes queries: a copy of its own, whose only thread is that of the batches."""
        if self._encoder is None or self._encoder[0] != digest:
            self._encoder = (digest, BatchingEncoder(load_model(self._model), on_batch=self._on_batch))
        return self._encoder[1]


def _text_of(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
