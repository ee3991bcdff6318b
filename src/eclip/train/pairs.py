"""The products of a store that a model learns from, and those it is watched on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eclip.errors import StoreError
from eclip.products.corrections import category_path, latest_corrections
from eclip.train.mates import Mates, numbered
from eclip.train.sampler import NO_CATEGORY, CategoryLevel
from eclip.train.views import ViewsConfig

MIN_PAIRS = 16
PAIRED = ViewsConfig()


class TrainingSource(Protocol):
    """The part of a product store that training reads; a pairs file has it too."""

    @property
    def place(self) -> Any:
        """Where it lies."""

    @property
    def digest(self) -> str:
        """Digest of the content."""

    @property
    def manifest(self) -> dict[str, Any]:
        """How it was made."""

    def table(self, columns: Sequence[str]) -> pa.Table:
        """These columns of all rows."""

    def images(self, rows: Sequence[int]) -> list[bytes | None]:
        """Encoded main pictures at these positions."""

    def extra_images(self, rows: Sequence[int]) -> list[list[bytes]]:
        """Encoded further pictures at these positions."""

    def count_extra_images(self) -> np.ndarray:
        """How many further pictures each row has."""

    def corrections(self) -> pa.Table:
        """What people said of listings, in `CORRECTIONS_SCHEMA`."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """P products, in most shops pairs of picture and title.

    Attributes:
        rows: Row positions in the store, [P].
        titles: Cleaned titles, P of them; empty where there is none.
        groups: Loss group of each, [P]: members of one group must not repel each other.
        weights: How much each pair of picture and title counts in the loss, [P].
        categories: Path of names from root to leaf of each, P of them; empty = unknown.
        has_picture: Mask [P].
        extra_texts: Fields that may stand behind each title, P of them.
        title_mates: Who has another title in the same group; None where no view asks.
        picture_mates: Who has another picture; None where no view asks.
    """

    rows: np.ndarray
    titles: list[str]
    groups: np.ndarray
    weights: np.ndarray
    categories: list[tuple[str, ...]]
    has_picture: np.ndarray
    extra_texts: list[tuple[str, ...]]
    title_mates: Mates | None = None
    picture_mates: Mates | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def has_title(self) -> np.ndarray:
        """Mask [P]."""
        return np.array([bool(title) for title in self.titles], dtype=bool)

    @property
    def digest(self) -> str:
        """Digest of which pairs there are and what they weigh: a check of the pairs changes it, and not the store's."""
        return hashlib.sha256(self.rows.tobytes() + self.weights.tobytes()).hexdigest()[:16]

    def num_pulling(self) -> dict[str, int]:
        """Term -> how many products it pulls to something."""
        found = {"picture_title": int((self.has_picture & self.has_title).sum())}
        for name, mates in (("title_title", self.title_mates), ("picture_picture", self.picture_mates)):
            found[name] = 0 if mates is None else int((mates.num_choices > 0).sum())
        return found


def read_pairs(store: TrainingSource, split: str, views: ViewsConfig = PAIRED) -> Pairs:
    """The products of one split that some view looks at and that repeat no other listing."""
    columns = ["title", "image_hash", "duplicate_of", "weight", "loss_group", "split", "category", *_fields(views)]
    table = store.table(columns)
    table = table.append_column("row", pa.array(np.arange(table.num_rows)))
    has_title = pc.and_kleene(pc.is_valid(table["title"]), pc.not_equal(table["title"], ""))
    keep = pc.and_(
        _seen_by(views, has_title, pc.is_valid(table["image_hash"])),
        pc.and_(pc.is_null(table["duplicate_of"]), pc.equal(table["split"], split)),
    )
    table = table.filter(keep).filter(pc.greater(pc.field("weight"), 0))
    titles = [title or "" for title in table["title"].to_pylist()]
    groups, rows = table["loss_group"].to_numpy(), table["row"].to_numpy()
    hashes = table["image_hash"].to_pylist()
    extras = store.count_extra_images()[rows] if views.picture_picture else None
    return Pairs(
        rows=rows,
        titles=titles,
        groups=groups,
        weights=table["weight"].to_numpy(),
        categories=_categories(store, table["category"], rows),
        has_picture=table["image_hash"].is_valid().to_numpy(),
        title_mates=Mates.of(groups, numbered([t.casefold() or None for t in titles])) if views.title_title else None,
        picture_mates=Mates.of(groups, numbered(hashes), extras) if views.picture_picture else None,
        extra_texts=_extra_texts(table, views.extra_text),
    )


def _categories(store: TrainingSource, given: pa.ChunkedArray, rows: np.ndarray) -> list[tuple[str, ...]]:
    """Paths of the rows [P]: what a person said of a listing, else what the feed said; () = unknown."""
    paths = [tuple(path or ()) for path in given.to_pylist()]
    said = latest_corrections(store.corrections())
    if not any("category" in fields for fields in said.values()):
        return paths
    for place, product_id in enumerate(store.table(["product_id"])["product_id"].take(rows).to_pylist()):
        if "category" in said.get(product_id, {}):
            paths[place] = category_path(said[product_id]["category"])
    return paths


def mate_images(store: TrainingSource, rows: np.ndarray, drawn: Sequence[tuple[int, int | None]]) -> list[bytes | None]:
    """The pictures that `Mates.draw` chose: place of a product whose main one it is, or its own further one.

    Args:
        store: Where pictures lie.
        rows: Place -> row of the store.
        drawn: As the draws came.
    """
    mains = iter(store.images([int(rows[mate]) for mate, extra in drawn if extra is None]))
    extras = iter(store.extra_images([int(rows[row]) for row, extra in drawn if extra is not None]))
    return [next(mains) if extra is None else next(extras)[extra] for _, extra in drawn]


def category_numbers(pairs: Pairs, level: CategoryLevel) -> np.ndarray:
    """Number of each pair's leaf or parent category, [P]; `NO_CATEGORY` where unknown. A root is its own parent."""
    paths = [path if level == "leaf" else path[: max(len(path) - 1, 1)] for path in pairs.categories]
    numbers = {path: number for number, path in enumerate(sorted({path for path in paths if path}))}
    return np.array([numbers.get(path, NO_CATEGORY) for path in paths], dtype=np.int64)


def read_training_pairs(store: TrainingSource, views: ViewsConfig = PAIRED) -> Pairs:
    """The products of the train split.

    Raises:
        StoreError: There are too few that one of the views can pull to anything.
    """
    pairs = read_pairs(store, "train", views)
    found = pairs.num_pulling()
    for name in views.weights:
        if found[name] < MIN_PAIRS:
            raise StoreError(f"{store.place} has {_what_is_missing(store, name, found)}")
    return pairs


def _what_is_missing(store: TrainingSource, term: str, found: Mapping[str, int]) -> str:
    """What a store lacks for a term, and what to do."""
    table = store.table(["title", "image_hash"])
    titles = table.num_rows - table["title"].null_count
    pictures = table.num_rows - table["image_hash"].null_count
    least = f"of {table.num_rows} products {titles} have a title, {pictures} a readable picture"
    wants = {
        "picture_title": "products to train on with both a title and a picture",
        "title_title": "products to train on with another title of the same product, wanted by views.title_title",
        "picture_picture": "products to train on with another picture of the same product, wanted by "
        "views.picture_picture",
    }
    advice = {
        "picture_title": "check the columns given to `eclip prepare` and the rejects it reported"
        + (", or train on titles alone with --recipe text" if titles >= MIN_PAIRS and not pictures else ""),
        "title_title": "give catalog ids to `eclip prepare` (--columns catalog_id=...) or leave this view out",
        "picture_picture": "give catalog ids or further pictures to `eclip prepare`, or leave this view out",
    }
    return f"{found[term]} {wants[term]} ({least}); expected at least {MIN_PAIRS}: {advice[term]}"


def _seen_by(views: ViewsConfig, has_title: Any, has_picture: Any) -> Any:
    """Mask of the rows that some term looks at."""
    seen = pc.and_(has_title, pc.and_(has_picture, bool(views.picture_title)))
    seen = pc.or_(seen, pc.and_(has_title, bool(views.title_title)))
    return pc.or_(seen, pc.and_(has_picture, bool(views.picture_picture)))


def _fields(views: ViewsConfig) -> list[str]:
    """Columns of the extra text that are not read anyway."""
    return [name for name in views.extra_text if name != "category"]


def _extra_texts(table: pa.Table, fields: Sequence[str]) -> list[tuple[str, ...]]:
    """What may stand behind each title: one text a field and attribute that it has."""
    found: list[list[str]] = [[] for _ in range(table.num_rows)]
    for name in fields:
        for texts, value in zip(found, table[name].to_pylist(), strict=True):
            if not value:
                continue
            if name == "attributes":
                texts += [" ".join(values) for _, values in value if values]
            else:
                texts.append(value[-1] if name == "category" else value)
    return [tuple(texts) for texts in found]
