"""`eclip index`: what makes searches in large stores fast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eclip.commands.arguments import StoreArgument

if TYPE_CHECKING:
    from eclip.search.building import IndexSummary


def index(
    store: StoreArgument, /, *, model: Path, kind: Literal["auto", "exact", "ivf", "disk"] = "auto"
) -> IndexSummary:
    """Make the search index of a store, beside its products; after an update, extend it by what changed.

    Searches work without one: they compare every vector, and cut every title into words when they start. A part of the
    vectors is searched both ways, and the share that the index finds is printed.

    Args:
        store: With vectors of this model.
        model: Made by `eclip train`.
        kind: ivf: lists of vectors in one byte a number, in memory; disk: lists that stay where the store is, for
            vectors beyond memory; exact: words alone; auto: ivf from 50,000 listings, disk where it was.
    """
    from eclip.model.folder import read_manifest
    from eclip.products.store import Store
    from eclip.search.building import build_index

    return build_index(Store.open(store), read_manifest(Path(model))["digest"], kind=kind)
