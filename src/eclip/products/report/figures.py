"""What a store's report says, counted from the store's columns. No picture is read here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eclip.products.plainlists import shared_paths, shared_texts
from eclip.products.report.treemap import Box, treemap

FIGURE_COLUMNS = (
    "product_id",
    "title",
    "raw_title",
    "language",
    "seller",
    "category",
    "attributes",
    "image_hash",
    "flags",
    "duplicate_of",
    "catalog_id",
    "catalog_reason",
    "review_flags",
    "split",
)
MAX_ROWS = 15  # of a table: more is for a spreadsheet
_EXAMPLES = 3
_RAW_CHARS = 240
_TREEMAP = Box(0, 0, 100, 100)  # per cent of the drawing
_MAX_BOXES = 60
_LONGEST_TITLE = 16  # words; longer ones are counted together
LANGUAGES = {"ko": "Korean", "en": "Latin letters", None: "not known"}


@dataclass(frozen=True)
class Bar:
    """One line of a bar chart."""

    label: str
    count: int
    share: float  # of the longest bar
    note: str = ""


@dataclass(frozen=True)
class Region:
    """One category of the treemap."""

    label: str
    count: int
    box: Box
    root: int  # number of its root, for the colour


@dataclass(frozen=True)
class Examples:
    """A reason or a flag, how often, and some rows to look at."""

    name: str
    count: int
    rows: list[str]


@dataclass(frozen=True)
class Trouble:
    """What went wrong with one seller's listings."""

    seller: str
    listings: int
    flagged: int
    duplicates: int
    no_picture: int
    to_review: int

    @property
    def share(self) -> float:
        """Troubles a listing."""
        return (self.flagged + self.duplicates + self.no_picture + self.to_review) / self.listings


@dataclass(frozen=True)
class SharedPictures:
    """Groups of listings whose pictures are the same to the pixel."""

    groups: int
    listings: int
    under_different_titles: int  # groups


@dataclass(kw_only=True)
class StoreFigures:
    """Everything the page shows that is a number or a text."""

    funnel: list[Bar] = field(default_factory=list)
    rejects: list[Examples] = field(default_factory=list)
    flags: list[Examples] = field(default_factory=list)
    title_words: list[Bar] = field(default_factory=list)
    languages: list[Bar] = field(default_factory=list)
    changed_titles: list[tuple[str, str]] = field(default_factory=list)
    num_changed_titles: int = 0
    categories: list[Region] = field(default_factory=list)
    num_categories: int = 0
    attributes: list[Bar] = field(default_factory=list)
    duplicate_sizes: list[Bar] = field(default_factory=list)
    shared_pictures: SharedPictures = SharedPictures(0, 0, 0)
    catalog_sizes: list[Bar] = field(default_factory=list)
    catalog_reasons: list[Bar] = field(default_factory=list)
    splits: list[Bar] = field(default_factory=list)
    sellers: list[Trouble] = field(default_factory=list)
    num_sellers: int = 0


def count_figures(products: pa.Table, rejects: pa.Table, rows_read: int | None) -> StoreFigures:
    """Count what the report shows.

    Args:
        products: `FIGURE_COLUMNS` of all listings.
        rejects: The rejects of the feed.
        rows_read: Rows of the feed; None where the store is of several, after an update.
    """
    columns = {name: _plain(products, name) for name in products.column_names if name != "attributes"}
    total = products.num_rows
    titled = total - products["title"].null_count
    pictured = total - products["image_hash"].null_count
    repeated = total - products["duplicate_of"].null_count
    attributes = _attribute_counts(products["attributes"])
    changed = [
        (_shortened(raw), _shortened(title))
        for raw, title in zip(columns["raw_title"], columns["title"], strict=True)
        if raw and title and " ".join(raw.split()) != title
    ]
    words = Counter(min(len(title.split()), _LONGEST_TITLE) for title in columns["title"] if title)
    catalogs = Counter(catalog for catalog in columns["catalog_id"] if catalog)
    originals = Counter(original for original in columns["duplicate_of"] if original)
    return StoreFigures(
        funnel=bars(
            {
                **({"in the store": total} if rows_read is None else {"rows read": rows_read, "kept": total}),
                "with a title": titled,
                "with a picture": pictured,
                "repeating no other": total - repeated,
                "in a catalog of two or more": sum(size for size in catalogs.values() if size > 1),
            }
        ),
        rejects=_reject_examples(rejects),
        flags=_flag_examples((*_flags(columns, "flags"), *_flags(columns, "review_flags"))),
        title_words=bars(
            {f"{n}{' or more' if n == _LONGEST_TITLE else ''}": words[n] for n in range(1, _LONGEST_TITLE + 1)}
        ),
        languages=bars({LANGUAGES.get(k, str(k)): n for k, n in Counter(_languages(columns)).most_common(MAX_ROWS)}),
        changed_titles=changed[:MAX_ROWS],
        num_changed_titles=len(changed),
        categories=category_regions(columns["category"]),
        num_categories=len({tuple(path) for path in columns["category"] if path}),
        attributes=bars(dict(attributes.most_common(2 * MAX_ROWS)), of=total),
        duplicate_sizes=_sizes(originals.values(), plus=1),
        shared_pictures=shared_pictures(columns["image_hash"], columns["title"]),
        catalog_sizes=_sizes(catalogs.values()),
        catalog_reasons=bars(dict(Counter(reason for reason in columns["catalog_reason"] if reason).most_common())),
        splits=bars(dict(Counter(columns["split"]))),
        sellers=_troubles(columns)[:MAX_ROWS],
        num_sellers=len({seller for seller in columns["seller"] if seller}),
    )


def bars(counts: dict[str, int], *, of: int | None = None) -> list[Bar]:
    """A bar for each count; notes say the share of `of`, where that is given."""
    longest = max(counts.values(), default=0) or 1
    notes = {label: f"{count / of:.0%}" if of else "" for label, count in counts.items()}
    return [Bar(label, count, count / longest, notes[label]) for label, count in counts.items()]


def shared_pictures(image_hashes: Sequence[str | None], titles: Sequence[str | None]) -> SharedPictures:
    """Count groups of equal pictures, and those that bear different titles, letter case aside."""
    sizes = Counter(image_hash for image_hash in image_hashes if image_hash)
    shared: dict[str, set[str]] = {image_hash: set() for image_hash, size in sizes.items() if size > 1}
    for image_hash, title in zip(image_hashes, titles, strict=True):
        if image_hash in shared and title:
            shared[image_hash].add(title.casefold())
    return SharedPictures(
        groups=len(shared),
        listings=sum(sizes[image_hash] for image_hash in shared),
        under_different_titles=sum(len(found) > 1 for found in shared.values()),
    )


def category_regions(paths: Sequence[Sequence[str] | None]) -> list[Region]:
    """A treemap of the largest categories within those of their roots; a root's smaller ones stand together."""
    counts = Counter(tuple(path) for path in paths if path)
    largest = {path for path, _ in counts.most_common(_MAX_BOXES)}
    roots: dict[str, Counter[str]] = {}
    for path, count in counts.items():
        label = " > ".join(path[-2:]) if path in largest else f"{path[0]}: others"
        roots.setdefault(path[0], Counter())[label] += count
    ordered = sorted(roots.values(), key=lambda leaves: -leaves.total())
    outer = treemap([float(leaves.total()) for leaves in ordered], _TREEMAP)
    regions = []
    for number, (leaves, box) in enumerate(zip(ordered, outer, strict=True)):
        inner = leaves.most_common()
        for (label, count), place in zip(inner, treemap([float(count) for _, count in inner], box), strict=True):
            regions.append(Region(label, count, place, number))
    return regions


def _languages(columns: dict[str, list[Any]]) -> list[str | None]:
    return [language for language, title in zip(columns["language"], columns["title"], strict=True) if title]


def _sizes(sizes: Any, *, plus: int = 0) -> list[Bar]:
    """How many groups have 2, 3, 4, ... members."""
    counts = Counter(size + plus for size in sizes if size + plus > 1)
    labels = {f"{size} listings": counts[size] for size in sorted(counts) if size <= 9}
    more = sum(count for size, count in counts.items() if size > 9)
    return bars({**labels, **({"10 or more": more} if more else {})})


def _plain(products: pa.Table, name: str) -> list[Any]:
    """A column as a list; texts and paths that repeat are one object each."""
    column = products[name]
    if pa.types.is_string(column.type):
        return shared_texts(column)
    return shared_paths(column) if name == "category" else column.to_pylist()


def _attribute_counts(column: pa.ChunkedArray) -> Counter[str]:
    """How many listings have a value of each attribute."""
    counts: Counter[str] = Counter()
    for chunk in column.chunks:
        first, last = chunk.offsets[0].as_py(), chunk.offsets[-1].as_py()
        names, values = (flat.slice(first, last - first) for flat in (chunk.keys, chunk.items))
        told = names.filter(pc.greater(pc.list_value_length(values).fill_null(0), 0))
        counts.update({entry["values"]: entry["counts"] for entry in told.value_counts().to_pylist()})
    return counts


def _reject_examples(rejects: pa.Table) -> list[Examples]:
    """Reasons with the first rows of each; the texts of others are not read."""
    rows_of: dict[str, list[int]] = {}
    for place, reason in enumerate(shared_texts(rejects["reason"])):
        rows_of.setdefault(str(reason), []).append(place)
    out = []
    for reason, places in sorted(rows_of.items(), key=lambda entry: -len(entry[1])):
        rows = rejects.take(places[:_EXAMPLES]).to_pylist()
        lines = [f"row {row['row']}: {row['detail']} {_shortened(row['raw'] or '')}".strip() for row in rows]
        out.append(Examples(reason, len(places), lines))
    return out


def _flags(columns: dict[str, list[Any]], name: str) -> list[tuple[str, str]]:
    pairs = zip(columns["product_id"], columns[name], strict=True)
    return [(flag, product_id) for product_id, flags in pairs for flag in flags or ()]


def _flag_examples(flagged: Sequence[tuple[str, str]]) -> list[Examples]:
    """Flags by kind (the text before a colon)."""
    counts: Counter[str] = Counter()
    found: dict[str, list[str]] = {}
    for flag, product_id in flagged:
        kind, _, detail = flag.partition(":")
        counts[kind] += 1
        if counts[kind] <= _EXAMPLES:
            line = f"{product_id}{': ' if detail else ''}{_shortened(detail.strip())}"
            found.setdefault(kind, []).append(line)
    return [Examples(kind, count, found[kind]) for kind, count in counts.most_common(MAX_ROWS)]


def _shortened(text: str) -> str:
    return text if len(text) <= _RAW_CHARS else text[: _RAW_CHARS - 1] + "…"


def _troubles(columns: dict[str, list[Any]]) -> list[Trouble]:
    """Sellers, most troubles a listing first; those of few listings stand behind."""
    counts: dict[str, Counter[str]] = {}
    rows = (columns[name] for name in ("seller", "flags", "duplicate_of", "image_hash", "review_flags"))
    for seller, flags, original, picture, review in zip(*rows, strict=True):
        if seller:
            found = counts.setdefault(seller, Counter())
            found["listings"] += 1
            found["flagged"] += bool(flags)
            found["duplicates"] += original is not None
            found["no_picture"] += picture is None
            found["to_review"] += bool(review)
    names = ("listings", "flagged", "duplicates", "no_picture", "to_review")
    troubles = [Trouble(seller, *(found[name] for name in names)) for seller, found in counts.items()]
    enough = max(2, sum(t.listings for t in troubles) // max(1, 20 * len(troubles)))
    return sorted(troubles, key=lambda t: (t.listings < enough, -t.share, t.seller))
