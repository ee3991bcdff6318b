"""Whether a feed fits the store that it is to be merged into: nothing that the store has may be lost by the way."""

from __future__ import annotations

from collections.abc import Sequence

from eclip.errors import FeedError
from eclip.products.columns import parse_columns
from eclip.products.listings import FeedPlan
from eclip.products.store import Store


def require_columns(plan: FeedPlan, store: Store, columns: str) -> None:
    """Refuse a feed that lacks what the store was made with: its listings would lose it.

    Raises:
        FeedError: A field is missing, and not switched off on purpose.
    """
    dropped = {name for name, column in parse_columns(columns) if not column}
    missing = sorted(set(store.manifest["column_map"]["fields"]) - set(plan.columns.fields) - dropped)
    if missing:
        off = ",".join(f"{name}=" for name in missing)
        raise FeedError(
            f"has no column for {', '.join(missing)}, which the store was made with; name it with --columns, or "
            f"drop it on purpose with --columns {off}",
            path=plan.feed.source,
        )


def require_ids(plan: FeedPlan, changed: Sequence[str]) -> None:
    """Refuse to put listings in the place of others only because their rows have the same number.

    Args:
        plan: The feed.
        changed: Ids of the listings that the store has otherwise.

    Raises:
        FeedError: The feed has no column of ids, and its rows are not those that the store has.
    """
    if changed and "product_id" not in plan.columns.fields:
        raise FeedError(
            f"has no column of ids, and its row {changed[0]} is another listing than the store's: "
            "an update tells listings by their ids; name the column with --columns product_id=COLUMN, or prepare the "
            "whole feed anew without --update",
            path=plan.feed.source,
        )
