"""Making a store's index: lists of its vectors, terms of its texts, and what a check against exact search found."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eclip.products.store import Store
from eclip.progress import stage
from eclip.search.corrected import corrected_table
from eclip.search.disk import DiskIndex
from eclip.search.follow import Keys
from eclip.search.indexfiles import SavedIndex, dataset_address, new_folder, read_index, write_index
from eclip.search.ivf import IvfIndex
from eclip.search.opening import (
    ROWS_FILE,
    SPACES,
    TERMS_FILE,
    ApproximateIndex,
    followed,
    has_lists_of,
    saved_terms,
    store_keys,
)
from eclip.search.recall import Truth, measured_queries, share_found
from eclip.search.spaces import Spaces, Typical, Vectors, unit_matrix
from eclip.search.termrows import TermRows, searched_text
from eclip.search.tokens import Tokenizer, knows_morphemes

IndexKind = Literal["auto", "exact", "ivf", "disk"]
LEAST_ROWS = 50_000  # from here on "auto" makes lists
LEAST_RECALL = 0.95  # of a sample's ten nearest; an index that finds fewer is not used
TEXT_COLUMNS = ("title", "brand", "category", "attributes")


@dataclass(frozen=True, kw_only=True)
class IndexSummary:
    """What was made, and how much of what exact search finds it finds."""

    kind: str
    """ivf (in memory), disk, or exact: then vectors are compared one by one."""
    rows: int
    rows_changed: int | None
    """Rows that came or went since the index before, which was extended; None where it was made anew."""
    recall_products: float | None
    """Share of the 10 nearest products of sampled titles that exact search finds."""
    recall_pictures: float | None
    """Likewise, of sampled pictures."""
    refused: str | None
    """Why there are no lists though they were asked for."""
    words: str
    """How texts are cut."""
    megabytes: float
    """Of the files that a service reads whole."""
    seconds: float


@dataclass(frozen=True)
class _Lists:
    """Lists of both spaces, and what was measured of them."""

    indexes: Mapping[str, ApproximateIndex]
    typical: Typical
    recall: dict[str, float]
    rows_changed: int | None
    num_changed: int
    """Since the lists were made anew."""


def build_index(store: Store, model_digest: str, *, kind: IndexKind = "auto") -> IndexSummary:
    """Make the index of a store, or extend the one that is there by what changed since.

    Args:
        store: With vectors of the model.
        model_digest: The model.
        kind: "ivf" = lists of approximate vectors in memory; "disk" = lists that stay where the store is, always made
            anew; "exact" = none, words alone are prepared; "auto" = lists in memory for large stores, and again on
            disk where they are.

    Raises:
        StoreError: No vectors of this model, or another process writes the store.
        MissingExtraError: Lists need faiss.
        DiskError: The disk is full.
    """
    started, before = time.monotonic(), read_index(store.place)
    table = store.vectors(model_digest=model_digest)
    kind, folder = _chosen(kind, store, before), new_folder()
    lists, refused, keys = None, None, store_keys(store)
    if kind != "exact" and store.num_rows:
        spaces = Spaces.of(table)
        truths = _truths(spaces, unit_matrix(table["text_embedding"]))
        if kind == "ivf":
            lists = _followed_lists(store, truths, before, model_digest, keys)
        lists = lists or _made_lists(store, spaces, truths, None if kind == "ivf" else folder)
        worst = min(lists.recall.values())
        if worst < LEAST_RECALL:
            refused = f"it would find only {worst:.3f} of what exact search finds; exact search stays"
            lists = None
    tokenize = Tokenizer(with_morphemes=knows_morphemes())
    terms = _terms(store, tokenize, before)
    arrays = {TERMS_FILE: terms.to_arrays()}
    blobs: dict[str, bytes] = {}
    if lists is not None:
        arrays[ROWS_FILE] = _row_arrays(lists, keys)
        blobs = {f"{name}.faiss": each.to_bytes() for name, each in lists.indexes.items() if isinstance(each, IvfIndex)}
    facts = {
        "kind": "exact" if lists is None else kind,
        "model": model_digest,
        "num_rows": store.num_rows,
        "tokenizer": tokenize.name,
        "effort": {} if lists is None else {name: index.effort for name, index in lists.indexes.items()},
        "recall": {} if lists is None else lists.recall,
        "num_changed": 0 if lists is None else lists.num_changed,
    }
    on_disk = SPACES if facts["kind"] == "disk" else ()
    write_index(store, folder, facts, arrays, blobs, on_disk)
    num_bytes = sum(map(len, blobs.values())) + sum(a.nbytes for held in arrays.values() for a in held.values())
    return IndexSummary(
        kind=str(facts["kind"]),
        rows=store.num_rows,
        rows_changed=None if lists is None else lists.rows_changed,
        recall_products=None if lists is None else round(lists.recall["products"], 4),
        recall_pictures=None if lists is None else round(lists.recall["pictures"], 4),
        refused=refused,
        words=tokenize.name,
        megabytes=round(num_bytes / 1e6, 1),
        seconds=round(time.monotonic() - started, 1),
    )


def _chosen(kind: IndexKind, store: Store, before: SavedIndex | None) -> IndexKind:
    if kind != "auto":
        return kind
    if before is not None and before.facts.get("kind") == "disk":
        return "disk"
    return "ivf" if store.num_rows >= LEAST_ROWS else "exact"


def _truths(spaces: Spaces, titles: Vectors) -> dict[str, Truth]:
    """What exact search finds for a sample of what will be asked: products by products and titles, pictures."""
    queries = {
        "products": np.concatenate([measured_queries(each)[::2] for each in (spaces.products, titles)]),
        "pictures": measured_queries(spaces.pictures),
    }
    with stage("Comparing samples with every row", len(SPACES)) as advance:
        truths = {}
        for name in SPACES:
            truths[name] = Truth(getattr(spaces, name), queries[name])
            advance(1)
    return truths


def _followed_lists(
    store: Store, truths: Mapping[str, Truth], before: SavedIndex | None, model_digest: str, keys: Keys
) -> _Lists | None:
    """The lists in memory of the index before, with what changed; None where there are none, or no good ones."""
    if before is None or not has_lists_of(before, model_digest) or before.facts["kind"] != "ivf":
        return None
    opened = followed(store, before, keys)
    if opened is None:
        return None
    indexes, typical, changes = opened
    recall = {name: share_found(index, truths[name]) for name, index in indexes.items()}
    if min(recall.values()) < LEAST_RECALL:
        return None
    return _Lists(indexes, typical, recall, changes.num_changed, before.facts["num_changed"] + changes.num_changed)


def _made_lists(store: Store, spaces: Spaces, truths: Mapping[str, Truth], folder: str | None) -> _Lists:
    """New lists: on disk in the folder of a version to come, or in memory."""
    indexes: dict[str, ApproximateIndex] = {}
    with stage("Making lists", len(SPACES)) as advance, store.place.writing():
        for name in SPACES:
            matrix, truth = getattr(spaces, name), truths[name]
            if folder is None:
                indexes[name] = IvfIndex.build(matrix, truth)
            else:
                indexes[name] = DiskIndex.build(dataset_address(store.place, folder, name), matrix, truth)
            advance(1)
    recall = {name: share_found(index, truths[name]) for name, index in indexes.items()}
    return _Lists(indexes, spaces.typical, recall, None, 0)


def _terms(store: Store, tokenize: Tokenizer, before: SavedIndex | None) -> TermRows:
    known, known_by = saved_terms(before)
    table = corrected_table(store.table(["product_id", *TEXT_COLUMNS]), store.corrections())
    texts = map(searched_text, *(table[name].to_pylist() for name in TEXT_COLUMNS))
    with stage("Cutting texts", store.num_rows) as advance:
        told = (_told(text, advance) for text in texts)
        return TermRows.of(told, tokenize, known if known_by.name == tokenize.name else None)


def _told(text: str, advance: object) -> str:
    advance(1)  # type: ignore[operator]
    return text


def _row_arrays(lists: _Lists, keys: Keys) -> dict[str, np.ndarray]:
    present = {f"present_{name}": index.present.astype(np.uint8) for name, index in lists.indexes.items()}
    typical = {"typical_picture": lists.typical.picture, "typical_title": lists.typical.title}
    return {"keys": keys, **present, **typical}
