"""Opens a store and a model for the service, and tells when either is newer."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from eclip.inference.encoder import FastEncoder
from eclip.inference.opening import open_encoder
from eclip.inference.sample import sample_of_store
from eclip.lineage import model_facts
from eclip.model.folder import read_manifest
from eclip.products.manifest import CORRECTIONS_VERSION
from eclip.products.place import StoreName, store_place
from eclip.products.store import Store
from eclip.schema import MODEL_MANIFEST, MODEL_TASKS, STORE_INDEX_POINTER, STORE_MANIFEST
from eclip.search.opening import open_engine
from eclip.serve.batching import BatchingEncoder, OnBatch
from eclip.serve.listings import ListingAnswers
from eclip.serve.live import Snapshot
from eclip.serve.towers import opening_model
from eclip.tasks.taskfiles import tasks_digest


class ShopSource:
    """The newest version of a store and a model.

    Args:
        store: With vectors of this model.
        model: Its folder.
        backend: What runs the towers, see `eclip.inference`.
        on_batch: Told of each batch of queries that is encoded.
    """

    def __init__(
        self, store: StoreName, model: Path, *, backend: str = "auto", on_batch: OnBatch | None = None
    ) -> None:
        self._store, self._model, self._backend, self._on_batch = store, model, backend, on_batch
        self._opened: tuple[FastEncoder, BatchingEncoder] | None = None
        self._built_before: str | None = None

    def fingerprint(self) -> str:
        """Digest of both manifests, the index and the fitted tasks' files; what is missing has one, too."""
        told = f"{store_place(self._store).read_text(STORE_MANIFEST)}\0{self._built_on()}"
        return hashlib.sha256(told.encode()).hexdigest()

    def _built_on(self) -> str:
        """What changes when the model, one of its tasks or the store's index does."""
        told = [store_place(self._store).read_text(STORE_INDEX_POINTER), _text_of(self._model / MODEL_MANIFEST)]
        for file in sorted((self._model / MODEL_TASKS).rglob("*")):
            try:
                facts = file.stat()
            except FileNotFoundError:
                continue  # being replaced; the next look sees what is there then
            told.append(f"{file.relative_to(self._model)}:{facts.st_size}:{facts.st_mtime_ns}")
        return repr(told)

    def open(self, before: Snapshot | None) -> Snapshot:
        """Both, whole; the model is loaded anew only if it has changed.

        Args:
            before: What is served meanwhile. Where that has compared listings with the store, so will this one from
                the beginning.

        Raises:
            StoreError: The store can't be opened, or has no vectors of this model.
            ModelError: The model or one of its tasks can't be read, or was fitted on another model.
        """
        built_on = self._built_on()  # first: what changes meanwhile is then seen at the next look
        store = Store.open(self._store)
        if before is not None and built_on == self._built_before and _only_corrections_differ(before.store, store):
            return _corrected(before, store)
        model, queries = self._encoders(store)
        engine = open_engine(store, queries)
        listings = ListingAnswers(store, model, self._model / MODEL_TASKS)
        if before is not None and before.listings is not None and before.listings.compares_with_store:
            listings.compare_with_store()
        self._built_before = built_on
        return Snapshot(
            engine=engine,
            store=store,
            model=model_facts(model.manifest, self._model) | {"tasks": tasks_digest(self._model / MODEL_TASKS)},
            listings=listings,
            modalities=model.modalities,
        )

    def _encoders(self, store: Store) -> tuple[FastEncoder, BatchingEncoder]:
        """The model, and what stands before it for queries; both as before where it has not changed."""
        if self._opened is None or self._opened[0].digest != read_manifest(self._model)["digest"]:
            with opening_model():
                model = open_encoder(self._model, backend=self._backend, sample=sample_of_store(store))
            self._opened = model, BatchingEncoder(model, on_batch=self._on_batch)
        return self._opened


def _only_corrections_differ(before: Store | None, now: Store) -> bool:
    """Whether two versions of a store hold the same listings and vectors."""
    if before is None:
        return False
    was, is_now = ({**store.manifest, CORRECTIONS_VERSION: None} for store in (before, now))
    return was == is_now


def _corrected(before: Snapshot, store: Store) -> Snapshot:
    """The snapshot with later corrections: a person who corrects one listing after the other does not wait."""
    listings = before.listings.corrected(store) if before.listings is not None else None
    if listings is not None and before.listings is not None and before.listings.compares_with_store:
        listings.compare_with_store()
    return replace(before, engine=before.engine.corrected(store), store=store, listings=listings)


def _text_of(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
