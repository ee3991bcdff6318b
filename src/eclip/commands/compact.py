"""`eclip compact`: a store without what its updates left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclip.commands.arguments import StoreArgument

if TYPE_CHECKING:
    from eclip.products.compact import CompactSummary


def compact(store: StoreArgument, /) -> CompactSummary:
    """Make a store small and quick again after many updates: old versions go, small pieces are merged.

    What the store says stays: rows, their order, vectors, digest. Programs that have it open must open it again.

    Args:
        store: Made by `eclip prepare`.
    """
    from eclip.products.compact import compact_store

    return compact_store(store)
