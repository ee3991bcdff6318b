"""`eclip search`: find products by words and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eclip.commands.arguments import StoreArgument, TextArgument, require_positive
from eclip.errors import ConfigError

if TYPE_CHECKING:
    from eclip.search.engine import SearchEngine
    from eclip.search.instances.instance import Instance
    from eclip.search.query import Query
    from eclip.search.results import Hit


def search(
    store: StoreArgument,
    text: TextArgument = "",
    /,
    *,
    model: Path,
    image: Path | None = None,
    instances: bool = False,
    category: str | None = None,
    min_price: float | None = None,
    max_price: float | None = None,
    brand: tuple[str, ...] = (),
    attribute: tuple[str, ...] = (),
    hide_adult: bool = False,
    ranking: Literal["hybrid", "vectors", "words"] = "hybrid",
    top_k: int = 10,
    offset: int = 0,
    json: bool = False,  # noqa: ARG001 - how the command line prints the hits
) -> list[Hit] | list[Instance]:
    """Find products by a text, a picture, or both together.

    Args:
        store: With vectors of this model.
        text: What to look for.
        model: Made by `eclip train`.
        image: A picture to look for; with a text, both count alike.
        instances: The picture is a photo of several products: find each, with its place. --top-k counts for each.
        category: Only in it or below, as "Apparel > Shirts".
        min_price: Only from this price.
        max_price: Only up to this price.
        brand: Only of these brands.
        attribute: Only with these values, as colour:red; of one name any, of several names all.
        hide_adult: Leave out products rated adult.
        ranking: By vectors, by words, or by both fused.
        top_k: How many products.
        offset: How many of the first ones to pass over.
        json: Print JSON, one object a line.
    """
    from eclip.model.folder import load_model
    from eclip.products.store import Store
    from eclip.search.opening import open_engine
    from eclip.search.query import Filters, Query, check_query

    require_positive("top_k", top_k)
    filters = Filters(
        category=tuple(name.strip() for name in category.split(">")) if category else (),
        min_price=min_price,
        max_price=max_price,
        brands=brand,
        attributes=_attributes(attribute),
        hide_adult=hide_adult,
    )
    query = Query(
        text=text or None, image=_picture(image), filters=filters, top_k=top_k, offset=offset, ranking=ranking
    )
    check_query(query)
    if instances and (query.image is None or query.words or offset):
        raise ConfigError("--instances needs --image, and goes without a text and --offset")
    engine = open_engine(Store.open(store), load_model(model))
    return _instances(engine, query) if instances else engine.search(query).hits


def _instances(engine: SearchEngine, query: Query) -> list[Instance]:
    from eclip.search.instances.finder import find_instances
    from eclip.search.instances.photos import open_photo

    photo = open_photo(query.image or b"")
    return find_instances(photo, engine, engine.encoder, filters=query.filters, top_k=query.top_k)


def _attributes(given: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for each in given:
        name, colon, value = each.partition(":")
        if not (name.strip() and colon and value.strip()):
            raise ConfigError(f"--attribute {each!r}: expected NAME:VALUE, as colour:red")
        found[name.strip()] = (*found.get(name.strip(), ()), value.strip())
    return found


def _picture(image: Path | None) -> bytes | None:
    if image is None:
        return None
    try:
        return Path(image).read_bytes()
    except OSError as error:
        raise ConfigError(f"--image {image} can't be read: {error.strerror}") from error
