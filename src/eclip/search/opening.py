"""An engine over a store, with the store's index where there is one."""

from __future__ import annotations

import numpy as np

from eclip.products.store import Store
from eclip.search.disk import DiskIndex
from eclip.search.engine import QueryEncoder, SearchEngine
from eclip.search.follow import MAX_CHANGED, Keys, Moves, moves, row_keys
from eclip.search.indexfiles import SavedIndex, dataset_address, read_index
from eclip.search.ivf import IvfIndex
from eclip.search.spaces import Spaces, Typical
from eclip.search.termrows import TermRows
from eclip.search.tokens import Tokenizer, knows_morphemes
from eclip.search.vectorindex import SpaceIndexes

ROWS_FILE, TERMS_FILE = "rows.safetensors", "terms.safetensors"
SPACES = ("products", "pictures")
ApproximateIndex = IvfIndex | DiskIndex


def open_engine(store: Store, encoder: QueryEncoder) -> SearchEngine:
    """An engine that reads the index of `eclip index`, brought to the store's present rows; exact where there is none.

    Raises:
        StoreError: The store has no vectors of this model, or its index is damaged.
        MissingExtraError: Its index needs a library that is not there.
    """
    saved = read_index(store.place)
    terms, tokenize = saved_terms(saved)
    return SearchEngine(
        store, encoder, indexes=_open_indexes(store, encoder.digest, saved), known_terms=terms, tokenize=tokenize
    )


def saved_terms(saved: SavedIndex | None) -> tuple[TermRows | None, Tokenizer]:
    """The terms that an index holds, and what cut them; without them, a tokenizer that cuts a store in seconds."""
    if saved is not None:
        tokenize = Tokenizer(with_morphemes=knows_morphemes())
        for candidate in (tokenize, Tokenizer(with_morphemes=False)):
            if saved.facts.get("tokenizer") == candidate.name:
                return TermRows.from_arrays(saved.arrays(TERMS_FILE)), candidate
    return None, Tokenizer(with_morphemes=False)


def store_keys(store: Store) -> Keys:
    """`row_keys` of a store."""
    table = store.table(["product_id", "content_hash"])
    return row_keys(table["product_id"].to_pylist(), table["content_hash"].to_pylist())


def has_lists_of(saved: SavedIndex | None, model_digest: str) -> bool:
    """Whether an index holds lists of this model's vectors."""
    return saved is not None and saved.facts.get("kind") in ("ivf", "disk") and saved.facts.get("model") == model_digest


def followed(store: Store, saved: SavedIndex, keys: Keys) -> tuple[dict[str, ApproximateIndex], Typical, Moves] | None:
    """The lists of an index with the store's present rows in them; None where too many changed.

    Args:
        store: With vectors of the index's model.
        saved: With lists.
        keys: Of the store's rows.
    """
    rows = saved.arrays(ROWS_FILE)
    changes = moves(rows["keys"], keys)
    if changes.num_changed + saved.facts["num_changed"] > MAX_CHANGED * max(len(keys), 1):
        return None
    typical = Typical(rows["typical_picture"], rows["typical_title"])
    found = {name: _opened(saved, name, rows[f"present_{name}"].astype(bool)) for name in SPACES}
    if not changes.nothing:
        added = Spaces.of(store.take(changes.added.tolist(), ["image_embedding", "text_embedding"]), typical)
        vectors: dict[str, np.ndarray] = {"products": added.products, "pictures": added.pictures}
        found = {name: index.moved(changes, vectors[name]) for name, index in found.items()}
    return found, typical, changes


def _opened(saved: SavedIndex, name: str, present: np.ndarray) -> ApproximateIndex:
    effort = saved.facts["effort"][name]
    if saved.facts["kind"] == "disk":
        return DiskIndex.open(dataset_address(saved.place, saved.facts["folder"], name), present, effort)
    return IvfIndex.from_bytes(saved.blob(f"{name}.faiss"), present, effort)


def _open_indexes(store: Store, model_digest: str, saved: SavedIndex | None) -> SpaceIndexes | None:
    """None = exact."""
    if saved is None or not has_lists_of(saved, model_digest) or store.vectors_digest != model_digest:
        return None
    opened = followed(store, saved, store_keys(store))
    if opened is None:
        return None
    found, _, changes = opened
    kind = "approximate" if saved.facts["kind"] == "ivf" else "approximate, on disk"
    state = kind if changes.nothing else f"{kind}, {changes.num_changed} rows changed since it was made"
    return SpaceIndexes(found["products"], found["pictures"], state)
