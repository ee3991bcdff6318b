"""Making a store's index: lists of its vectors, terms of its texts, and what a check against exact search found."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eclip.products.store import Store
from eclip.progress import stage
from eclip.search.corrected import corrected_table
from eclip.search.follow import Keys
from eclip.search.indexfiles import SavedIndex, read_index, write_index
from eclip.search.ivf import IvfIndex
from eclip.search.opening import ROWS_FILE, SPACES, TERMS_FILE, followed, has_lists_of, saved_terms, store_keys
from eclip.search.recall import Truth, measured_queries, share_found
from eclip.search.spaces import Spaces, Typical, Vectors, unit_matrix
from eclip.search.termrows import TermRows, searched_text
from eclip.search.tokens import Tokenizer, knows_morphemes

IndexKind = Literal["auto", "exact", "ivf"]
LEAST_ROWS = 50_000  # from here on "auto" makes lists
LEAST_RECALL = 0.95  # of a sample's ten nearest; an index that finds fewer is not used
TEXT_COLUMNS = ("title", "brand", "category", "attributes")


@dataclass(frozen=True, kw_only=True)
class IndexSummary:
    """What was made, and how much of what exact search finds it finds."""

    kind: str
    """ivf, or exact: then vectors are compared one by one."""
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
    seconds: float


@dataclass(frozen=True)
class _Lists:
    """Lists of both spaces, and what was measured of them."""

    indexes: dict[str, IvfIndex]
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
        kind: "ivf" = lists of approximate vectors; "exact" = none, words alone are prepared; "auto" = lists for large
            stores.

    Raises:
        StoreError: No vectors of this model, or another process writes the store.
        MissingExtraError: Lists need faiss.
        DiskError: The disk is full.
    """
    started, before = time.monotonic(), read_index(store.place)
    table = store.vectors(model_digest=model_digest)
    wants_lists = kind == "ivf" or (kind == "auto" and store.num_rows >= LEAST_ROWS)
    lists, refused, keys = None, None, store_keys(store)
    if wants_lists and store.num_rows:
        titles = unit_matrix(table["text_embedding"])
        lists = _lists(store, Spaces.of(table), titles, before if has_lists_of(before, model_digest) else None, keys)
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
        blobs = {f"{name}.faiss": index.to_bytes() for name, index in lists.indexes.items()}
    facts = {
        "kind": "exact" if lists is None else "ivf",
        "model": model_digest,
        "num_rows": store.num_rows,
        "tokenizer": tokenize.name,
        "num_seen": {} if lists is None else {name: index.num_seen for name, index in lists.indexes.items()},
        "recall": {} if lists is None else lists.recall,
        "num_changed": 0 if lists is None else lists.num_changed,
    }
    write_index(store, facts, arrays, blobs)
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


def _lists(store: Store, spaces: Spaces, titles: Vectors, before: SavedIndex | None, keys: Keys) -> _Lists:
    """The lists of the index before with what changed, where they are still good; else new ones."""
    queries = {
        "products": np.concatenate([measured_queries(each)[::2] for each in (spaces.products, titles)]),
        "pictures": measured_queries(spaces.pictures),
    }
    with stage("Comparing samples with every row", 2) as advance:
        truths = {}
        for name in SPACES:
            truths[name] = Truth(getattr(spaces, name), queries[name])
            advance(1)
    opened = followed(store, before, keys) if before is not None else None
    if before is not None and opened is not None:
        indexes, typical, changes = opened
        recall = {name: share_found(index, truths[name]) for name, index in indexes.items()}
        if min(recall.values()) >= LEAST_RECALL:
            num_changed = before.facts["num_changed"] + changes.num_changed
            return _Lists(indexes, typical, recall, changes.num_changed, num_changed)
    with stage("Making lists", 2) as advance:
        indexes = {}
        for name in SPACES:
            indexes[name] = IvfIndex.build(getattr(spaces, name), truths[name])
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
