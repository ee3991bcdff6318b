"""Variants of one model - its colours and sizes - under one `model_id`.

Given ids win. Otherwise catalogs are linked by the stem of their model numbers ("VE-6674-BR2", "VE-6674-BL1") or by
titles that agree once colours and sizes are taken out, within one brand and guarded like titles of catalogs.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from eclip.products.catalogs.clusters import Clusters
from eclip.products.catalogs.conflicts import trait_of_values, written_longer
from eclip.products.catalogs.evidence import Evidence
from eclip.products.catalogs.lexicon import SHADES, SIZE_HEADS, SIZE_LETTERS, SIZE_OF
from eclip.products.catalogs.links import PRICE_RATIO, Group, groups_of

_TAIL = re.compile(r"[\s\-_/.][A-Za-z0-9]{1,4}$")
_NOT_ALNUM = re.compile(r"[\W_]+")
_MIN_STEM_CHARS = 5


def assign_models(
    columns: dict[str, Sequence[Any]], evidence: Evidence, catalogs: Sequence[int], ranks: np.ndarray
) -> list[str | None]:
    """A model id for each of N listings; None where nothing says that it has variants.

    Args:
        columns: Columns of the listings.
        evidence: What they say, normalised.
        catalogs: [N] any number of the catalog that each row is in; one catalog is of one model.
        ranks: [N] int64 place of each row in an order of their ids.
    """
    given = columns["model_id"]
    clusters = Clusters(
        traits=[
            trait_of_values("models", given),
            trait_of_values(
                "brands",
                [evidence.brand_names[code] if code >= 0 else None for code in evidence.brands.tolist()],
                written_longer,
            ),
        ],
        sellers=evidence.sellers,
        asked=evidence.asked,
        ranks=ranks,
    )
    for group in groups_of("", given):
        clusters.unite_singles(group.rows)
    for rows in _rows_by(catalogs):
        clusters.unite_fitting({clusters.root(row) for row in rows}, (0,), offers=False)
    names: dict[int, str] = {}
    for group in sorted(_stem_groups(columns, evidence), key=lambda group: group.key):
        _take(clusters, group, names)
    for group in sorted(_title_groups(evidence), key=lambda group: group.key):
        _take(clusters, group, names)
    roots = [clusters.root(row) for row in range(len(given))]
    for row, model in enumerate(given):
        if model is not None:
            names[roots[row]] = model
    return [names.get(root) for root in roots]


def _rows_by(numbers: Sequence[int]) -> list[list[int]]:
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, number in enumerate(numbers):
        rows_of[number].append(row)
    return [rows for rows in rows_of.values() if len(rows) > 1]


def _take(clusters: Clusters, group: Group, names: dict[int, str]) -> None:
    """Unite a group as far as given models and brands allow; a grown part keeps its smallest name."""
    olds = {clusters.root(row) for row in group.rows}
    clusters.unite_fitting(olds, (0, 1), offers=False)
    merged: dict[int, list[str]] = defaultdict(list)
    for old in olds:
        merged[clusters.root(old)] += [names[old]] if old in names else []
    for root, known in merged.items():
        if clusters.sizes[root] > 1:
            names[root] = min([*known, group.key])


def _stem_groups(columns: dict[str, Sequence[Any]], evidence: Evidence) -> list[Group]:
    """Rows of one brand whose model numbers differ in a last short part only, or do not differ."""
    keys: list[str | None] = []
    for written, number, brand in zip(columns["model_number"], evidence.models, evidence.brands.tolist(), strict=True):
        if number is None or brand < 0:
            keys.append(None)
            continue
        stem = _NOT_ALNUM.sub("", _TAIL.sub("", (written or "").casefold()))
        long_enough = len(stem) >= _MIN_STEM_CHARS and any(sign.isdigit() for sign in stem)
        keys.append(f"{evidence.brand_names[brand]}:{stem if long_enough and number.startswith(stem) else number}")
    return groups_of("model", keys)


def _title_groups(evidence: Evidence) -> list[Group]:
    """Rows of one brand and one title but for colours and sizes, if the rest has a rare word and prices are near.

    Rows whose full title their seller lists several times, for items that nothing tells apart, are left out.
    """
    words = evidence.words
    dropped = [
        word in evidence.colour_of or word in SIZE_OF or word in SIZE_HEADS or word in SHADES for word in words.words
    ]
    unclear = _unclear_repeats(evidence)
    rows_of: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
    for row, brand in enumerate(evidence.brands.tolist()):
        if row in unclear:
            continue
        rest = tuple(code for code in words.row(row) if not dropped[code] and words.words[code] not in SIZE_LETTERS)
        if len(rest) > 1 and any(evidence.rare[code] for code in rest):
            rows_of[brand, rest].append(row)
    out = []
    for (_, rest), rows in rows_of.items():
        prices = evidence.offers.prices[rows]
        known = prices[prices > 0]
        if len(rows) > 1 and (not len(known) or known.max() <= PRICE_RATIO * known.min()):
            text = " ".join(words.words[code] for code in rest)
            out.append(Group(f"variants:{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}", rows))
    return out


def _unclear_repeats(evidence: Evidence) -> set[int]:
    """Rows of one seller and one full title that are other items, but not by a colour or size that each row gives.

    One jeweller's "silver earrings" on dozens are no variants of each other; one shirt listed for each size is.
    """
    given = [trait.codes for trait in evidence.traits if trait.name in ("colours", "sizes")]
    rows_of: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row in np.flatnonzero(evidence.repeated).tolist():
        rows_of[int(evidence.sellers[row]), evidence.title_keys[row]].append(row)
    out: set[int] = set()
    for rows in rows_of.values():
        told = {tuple(int(codes[row]) for codes in given) for row in rows}
        if len(told) < len(rows):
            out.update(rows)
    return out
