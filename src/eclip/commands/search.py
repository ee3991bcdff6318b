"""`eclip search`: find products by words and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclip.commands.arguments import StoreArgument, TextArgument, require_positive
from eclip.errors import ConfigError

if TYPE_CHECKING:
    from eclip.search.engine import Hit


def search(
    store: StoreArgument,
    text: TextArgument = "",
    /,
    *,
    model: Path,
    image: Path | None = None,
    top_k: int = 10,
    json: bool = False,  # noqa: ARG001 - how the command line prints the hits
) -> list[Hit]:
    """Find products by a text, a picture, or both together.

    Args:
        store: With vectors of this model.
        text: What to look for.
        model: Made by `eclip train`.
        image: A picture to look for; with a text, both count alike.
        top_k: How many products.
        json: Print JSON, one object a line.
    """
    from eclip.model.folder import load_model
    from eclip.products.store import Store
    from eclip.search.engine import SearchEngine

    require_positive("top_k", top_k)
    picture = None
    if image is not None:
        try:
            picture = Path(image).read_bytes()
        except OSError as error:
            raise ConfigError(f"--image {image} can't be read: {error.strerror}") from error
    engine = SearchEngine(Store.open(store), load_model(model))
    return engine.search(text=text or None, image=picture, top_k=top_k)
