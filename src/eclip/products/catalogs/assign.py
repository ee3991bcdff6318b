"""From listings to catalogs: evidence, strongest first, against what contradicts it.

Joining whatever is linked chains strangers together: a barcode typed wrong once would merge two catalogs. So
each group of rows carries what is known of it (given id, barcodes, brand, model number, colour, size, amounts,
what each seller asks), and evidence joins two groups only where nothing of that clashes. A given
catalog is never cut and never renamed; what clashes inside is flagged.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from eclip.products.catalogs.clusters import Clash, Clusters
from eclip.products.catalogs.conflicts import MIXED
from eclip.products.catalogs.evidence import Evidence, gather_evidence
from eclip.products.catalogs.links import (
    BARCODE,
    GIVEN,
    MODEL_NUMBER,
    PICTURE,
    TITLE,
    TITLE_MODEL_NUMBER,
    Group,
    agreeing_pairs,
    groups_of,
    model_keys,
    title_groups,
)
from eclip.products.catalogs.variants import assign_models

CATALOG_KEYS = (
    *("product_id", "title", "seller", "brand", "price", "gtin", "model_number"),
    *("category", "attributes", "catalog_id", "model_id", "image_hash"),
)
Confirm = Callable[[np.ndarray, np.ndarray], np.ndarray]
REASONS = (GIVEN, BARCODE, MODEL_NUMBER, TITLE_MODEL_NUMBER, PICTURE, TITLE)
CUT, FLAGGED = "cut", "flagged"

_STRONG = ("catalogs", "models", "barcodes", "brands", "model numbers", "colours", "sizes")
_AMOUNTS = ("amounts (count)", "amounts (mass)", "amounts (storage)", "amounts (volume)")
_TITLED = ("title model numbers", "title colours", "title sizes")
# Which facts count against which evidence: the weaker it is, the more a title's word counts.
CHECKED: dict[str, tuple[str, ...]] = {
    BARCODE: _STRONG,
    MODEL_NUMBER: (*_STRONG, *_AMOUNTS),
    TITLE_MODEL_NUMBER: (*_STRONG, *_AMOUNTS, "title colours"),
    PICTURE: (*_STRONG, *_AMOUNTS, *_TITLED),
    TITLE: (*_STRONG, *_AMOUNTS, *_TITLED),
}
_SELLERS_COUNT = frozenset([TITLE_MODEL_NUMBER, PICTURE, TITLE])
# Two of these in a given catalog are worth a person's look.
_FLAGGED_TRAITS = ("barcodes", "brands", "model numbers", "colours", "sizes")


@dataclass(frozen=True)
class Conflict:
    """Evidence for one item that something contradicts.

    Attributes:
        action: "cut" (an inferred link was not made) or "flagged" (a given catalog, left as it is).
        evidence: What would link them: one of `REASONS` and the key ("same barcode gtin:0880...").
        clash: What is two: "colours", "barcodes", "prices of one seller".
        product_ids: Two listings that stand for the two sides; one for a given catalog.
    """

    action: str
    evidence: str
    clash: str
    product_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CatalogAssignment:
    """What `assign_catalogs` found: one entry a row, in the rows' order.

    Attributes:
        catalog_id: Given, or named after the strongest evidence; None where a listing stands alone.
        catalog_reason: One of `REASONS`: how this row came into its catalog.
        model_id: Given, or what links variants; None where nothing does.
        flags: What a person should look at; mostly empty.
        conflicts: What was cut or flagged, given catalogs first.
    """

    catalog_id: list[str | None]
    catalog_reason: list[str | None]
    model_id: list[str | None]
    flags: list[list[str]]
    conflicts: list[Conflict] = field(repr=False)

    @property
    def reasons(self) -> dict[str, int]:
        """Rows by the reason that put them into their catalog."""
        return dict(Counter(reason for reason in self.catalog_reason if reason))


def assign_catalogs(
    keys: pa.Table | dict[str, Sequence[Any]],
    picture_pairs: np.ndarray | Iterable[tuple[int, int]] = (),
    *,
    confirm: Confirm | None = None,
) -> CatalogAssignment:
    """Group N listings into catalogs, and catalogs into models.

    Args:
        keys: Columns `CATALOG_KEYS` of all listings; a column that is missing is empty. `product_id` is unique.
        picture_pairs: [P, 2] pairs of row positions whose pictures are near duplicates.
        confirm: Given [P] and [P] rows with such pictures and agreeing titles, says [P] which do show the same; None =
            all do.

    Returns:
        The catalogs. They depend on the set of listings only, not on their order.
    """
    columns = _columns(keys)
    evidence = gather_evidence(columns)
    clusters = Clusters(
        traits=evidence.traits, sellers=evidence.sellers, asked=evidence.asked, ranks=_ranks(columns["product_id"])
    )
    work = _Assignment(columns=columns, evidence=evidence, clusters=clusters)
    work.take_given()
    work.take(BARCODE, groups_of("gtin", evidence.gtins))
    work.take(MODEL_NUMBER, groups_of("model", _model_keys(evidence, evidence.given_models)))
    work.take(TITLE_MODEL_NUMBER, groups_of("model", _model_keys(evidence, evidence.models)))
    work.take_pictures(picture_pairs, confirm)
    work.take_titles()
    return work.finish()


def _columns(keys: pa.Table | dict[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    present = keys.column_names if isinstance(keys, pa.Table) else list(keys)
    num_rows = keys.num_rows if isinstance(keys, pa.Table) else len(keys["product_id"])
    nothing: list[Any] = [None] * num_rows
    if isinstance(keys, pa.Table):
        return {name: keys[name].to_pylist() if name in present else nothing for name in CATALOG_KEYS}
    return {name: keys[name] if name in present else nothing for name in CATALOG_KEYS}


def _ranks(product_ids: Sequence[str]) -> np.ndarray:
    ranks = np.empty(len(product_ids), dtype=np.int64)
    ranks[sorted(range(len(product_ids)), key=product_ids.__getitem__)] = np.arange(len(product_ids))
    return ranks


def _model_keys(evidence: Evidence, numbers: Sequence[str | None]) -> list[str | None]:
    return model_keys(numbers, evidence.brands, evidence.brand_names)


@dataclass
class _Assignment:
    """The work on one set of listings: clusters, and how each row came into its own."""

    columns: dict[str, Sequence[Any]]
    evidence: Evidence
    clusters: Clusters
    reasons: list[str | None] = field(init=False)
    names: dict[int, tuple[int, str]] = field(default_factory=dict)  # root -> strongest evidence: place, key
    conflicts: list[Conflict] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reasons = [None] * len(self.clusters.ranks)

    def take_given(self) -> None:
        """Given catalogs stand, whatever contradicts them."""
        for group in groups_of("", self.columns["catalog_id"]):
            self.clusters.unite_singles(group.rows)
        for row, catalog in enumerate(self.columns["catalog_id"]):
            if catalog is not None:
                self.reasons[row] = GIVEN
                self.names[self.clusters.root(row)] = (0, catalog)

    def take(self, reason: str, groups: Iterable[Group]) -> None:
        """Make what this evidence links one, where nothing clashes."""
        clusters, place = self.clusters, REASONS.index(reason)
        checked = [index for index, trait in enumerate(clusters.traits) if trait.name in CHECKED[reason]]
        for group in sorted(groups, key=lambda group: group.key):
            roots = {clusters.root(row) for row in group.rows}
            if len(roots) < 2:
                continue
            alone = [row for row in roots if clusters.sizes[row] == 1]
            cuts = clusters.unite_fitting(roots, checked, offers=reason in _SELLERS_COUNT)
            self._name(roots, (place, group.key))
            for row in alone:
                if self.reasons[row] is None and clusters.sizes[clusters.root(row)] > 1:
                    self.reasons[row] = reason
            self.conflicts += [self._cut(f"{reason} {group.key}", cut) for cut in cuts]

    def _name(self, olds: Iterable[int], own: tuple[int, str]) -> None:
        """What grew is named after the strongest evidence that any of its groups (by their old roots) had."""
        parts: dict[int, list[int]] = {}
        for old in olds:
            parts.setdefault(self.clusters.root(old), []).append(old)
        for root, merged in parts.items():
            if len(merged) > 1:
                self.names[root] = min([own, *(self.names[old] for old in merged if old in self.names)])

    def _cut(self, evidence: str, clash: Clash) -> Conflict:
        ids = self.columns["product_id"]
        return Conflict(CUT, evidence, clash.trait, (ids[clash.left], ids[clash.right]))

    def take_pictures(self, pairs: np.ndarray | Iterable[tuple[int, int]], confirm: Confirm | None) -> None:
        """Near-duplicate pictures under titles that agree."""
        evidence, ids = self.evidence, self.columns["product_id"]
        rows = np.array(pairs if isinstance(pairs, np.ndarray) else list(pairs), dtype=np.int64).reshape(-1, 2)
        roots = self.clusters.roots()
        rows = rows[roots[rows[:, 0]] != roots[rows[:, 1]]]  # most are of one catalog by now: no need to look
        agreed = agreeing_pairs(rows, evidence.words, evidence.rare, evidence.offers.prices)
        if confirm is not None and agreed:
            left, right = np.array(agreed, dtype=np.int64).T
            agreed = [pair for pair, same in zip(agreed, confirm(left, right), strict=True) if same]
        ordered = (sorted(pair, key=ids.__getitem__) for pair in agreed)
        self.take(PICTURE, [Group(f"picture:{_digest(ids[pair[0]], ids[pair[1]])}", pair) for pair in ordered])

    def take_titles(self) -> None:
        """Exact titles that say which item it is."""
        evidence = self.evidence
        groups = title_groups(evidence.words, evidence.title_keys, evidence.rare, evidence.offers, evidence.repeated)
        self.take(TITLE, [Group(f"title:{_digest(evidence.title_keys[rows[0]])}", rows) for rows in groups])

    def finish(self) -> CatalogAssignment:
        """Names, reasons, flags and models for each row."""
        clusters = self.clusters
        roots = [clusters.root(row) for row in range(len(self.reasons))]
        names = self._unique_names(roots)
        catalogs = [names.get(root) for root in roots]
        flags: list[list[str]] = [[] for _ in roots]
        flagged = self._flag_given(roots, catalogs, flags)
        models = assign_models(self.columns, self.evidence, roots, clusters.ranks)
        return CatalogAssignment(
            catalog_id=catalogs,
            catalog_reason=[reason if name else None for reason, name in zip(self.reasons, catalogs, strict=True)],
            model_id=models,
            flags=flags,
            conflicts=flagged + self.conflicts,
        )

    def _unique_names(self, roots: Sequence[int]) -> dict[int, str]:
        """A name for each catalog: given ones and those of several rows.

        Where evidence fell into parts that contradict each other, the largest keeps the plain name.
        """
        clusters, ids = self.clusters, self.columns["product_id"]
        first_of = {int(rank): row for row, rank in enumerate(clusters.ranks)}
        by_name: dict[str, list[int]] = {}
        for root in set(roots):
            place, name = self.names.get(root, (len(REASONS), ""))
            if place == 0 or clusters.sizes[root] > 1:
                by_name.setdefault(name, []).append(root)
        out = {}
        for name, same in by_name.items():
            same.sort(key=lambda root: (self.names[root][0], -clusters.sizes[root], clusters.first_ranks[root]))
            for part, root in enumerate(same):
                first = ids[first_of[clusters.first_ranks[root]]]
                out[root] = name if part == 0 else f"{name}#{_digest(first)}"
        return out

    def _flag_given(
        self, roots: Sequence[int], catalogs: Sequence[str | None], flags: list[list[str]]
    ) -> list[Conflict]:
        """Flag the rows of given catalogs that hold what can't be of one item."""
        out = []
        told: set[tuple[int, str]] = set()
        for trait, fact in zip(self.clusters.traits, self.clusters.facts, strict=True):
            if trait.name not in _FLAGGED_TRAITS:
                continue
            mixed = {
                root for root in set(roots) if fact[root] == MIXED or (fact[root] >= 0 and trait.is_mixed(fact[root]))
            }
            for row, root in enumerate(roots):
                if root not in mixed or self.reasons[row] != GIVEN:
                    continue
                flags[row].append(f"catalog conflict: {trait.name}")
                if (root, trait.name) not in told:
                    told.add((root, trait.name))
                    out.append(Conflict(FLAGGED, f"{GIVEN} {catalogs[row]}", trait.name, (self._first_id(root),)))
        return sorted(out, key=lambda conflict: (conflict.evidence, conflict.clash))

    def _first_id(self, root: int) -> str:
        rows = self.clusters.members(root)
        return min(self.columns["product_id"][row] for row in rows)


def _digest(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()
