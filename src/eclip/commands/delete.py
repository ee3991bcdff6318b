"""`eclip delete`: listings out of a store on request, for good."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclip.commands.arguments import StoreArgument
from eclip.errors import ConfigError

if TYPE_CHECKING:
    from eclip.products.delete import DeleteSummary


def delete(store: StoreArgument, /, *, ids: str = "", seller: str = "") -> DeleteSummary:
    """Erase listings from a store: rows, pictures, vectors, report, caches, and all old versions.

    They stay out: rows of later feeds that bring them again are rejected, also when the store is prepared anew. Models
    and files that were made from the store before are not touched (docs/stores.md).

    Args:
        store: Made by `eclip prepare`.
        ids: ID,ID,... or @FILE with one id a line: listings by product_id.
        seller: All listings of this seller, and those that its name would bring later.
    """
    from eclip.products.delete import delete_listings

    if not ids and not seller:
        raise ConfigError("nothing to delete: name listings with --ids, or a seller with --seller")
    return delete_listings(store, product_ids=_read_ids(ids), sellers=[seller] if seller else [])


def _read_ids(text: str) -> list[str]:
    """The ids of ID,ID,... or of @FILE, each once.

    Raises:
        ConfigError: The file can't be read, or holds no id.
    """
    if text.startswith("@"):
        try:
            parts = Path(text[1:]).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"--ids {text} can't be read: {error}; expected a text file with one id a line") from None
    else:
        parts = text.split(",")
    ids = list(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if text and not ids:
        raise ConfigError(f"--ids {text}: holds no id; expected ID,ID,... or @FILE with one id a line")
    return ids
