"""What is asked of a search: a text, a picture, filters, a page of the answer; and what of it is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from eclip.errors import ConfigError

Ranking = Literal["hybrid", "vectors", "words"]
"""By vectors and words together, or by one of them."""
SimilarKind = Literal["similar", "complements"]
"""Products that look and read alike, or that were bought or worn together."""

MAX_WINDOW = 10_000  # products from the first to the last that an answer may reach
MAX_FILTER_VALUES = 1_000  # in one list of a filter
MAX_TEXT_CHARACTERS = 10_000  # of a query: words beyond tell a search nothing


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a product must be; each that is given must hold. Names are compared without regard to case."""

    category: tuple[str, ...] = ()
    """Names from the root; everything below passes."""
    min_price: float | None = None
    """Inclusive; a listing without a price fails."""
    max_price: float | None = None
    """Inclusive; a listing without a price fails."""
    brands: tuple[str, ...] = ()
    """Any of these."""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name -> any of these values; of several names, all."""
    hide_adult: bool = False
    """Leave out what the feed or a person rated "adult"."""

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for equal filters; hashable."""
        attributes = tuple(sorted((name, tuple(sorted(values))) for name, values in self.attributes.items() if values))
        return (
            tuple(self.category),
            self.min_price,
            self.max_price,
            tuple(sorted(self.brands)),
            attributes,
            self.hide_adult,
        )

    @property
    def is_empty(self) -> bool:
        """Whether every product passes."""
        return self.key == Filters().key


@dataclass(frozen=True, kw_only=True)
class Query:
    """One request: what is sought, among which products, how they are ranked and which page of them is wanted."""

    text: str | None = None
    image: bytes | None = None
    """An encoded picture."""
    filters: Filters = field(default_factory=Filters)
    top_k: int = 24
    offset: int = 0
    ranking: Ranking = "hybrid"
    with_facets: bool = False

    @property
    def words(self) -> str | None:
        """The text, or None where it is blank."""
        return (self.text or "").strip() or None


def check_query(query: Query) -> None:
    """Refuse what can't be answered.

    A query without text and picture lists products in the store's order; so that a client's mistake is not taken
    for one, it must at least filter or ask for facets.

    Raises:
        ConfigError: It asks for nothing, or a value is out of its range.
    """
    check_page(query.top_k, query.offset)
    check_filters(query.filters)
    _one_of("ranking", query.ranking, get_args(Ranking))
    if len(query.text or "") > MAX_TEXT_CHARACTERS:
        raise ConfigError(f"the text has {len(query.text or '')} characters; expected at most {MAX_TEXT_CHARACTERS}")
    if not query.words and not query.image and query.filters.is_empty and not query.with_facets:
        raise ConfigError("the query is empty; give a text, a picture, or both")
    if query.ranking == "words" and query.image and not query.words:
        raise ConfigError("a picture alone can't be ranked by words; give a text too, or rank by vectors")


def check_page(top_k: int, offset: int = 0) -> None:
    """Refuse a page that is none, or too far down.

    Raises:
        ConfigError: See there.
    """
    if top_k < 1:
        raise ConfigError(f"top_k is {top_k}; ask for at least 1 product")
    if offset < 0:
        raise ConfigError(f"offset is {offset}; expected 0 or more")
    if top_k + offset > MAX_WINDOW:
        raise ConfigError(
            f"offset + top_k is {top_k + offset}; at most {MAX_WINDOW} products are ranked, filter instead"
        )


def check_filters(filters: Filters) -> None:
    """Refuse filters that no product can be meant by.

    Raises:
        ConfigError: A price is no number or the range is empty, a name is blank, or a list is too long.
    """
    for name, price in (("min_price", filters.min_price), ("max_price", filters.max_price)):
        if price is not None and not (math.isfinite(price) and price >= 0):
            raise ConfigError(f"{name} is {price}; expected a number from 0")
    if filters.min_price is not None and filters.max_price is not None and filters.min_price > filters.max_price:
        raise ConfigError(f"min_price {filters.min_price:g} is above max_price {filters.max_price:g}; swap them")
    lists = {"category": filters.category, "brands": filters.brands}
    lists |= {f"attribute {name!r:.80}": values for name, values in filters.attributes.items()}
    for name, values in lists.items():
        if isinstance(values, str):
            raise ConfigError(f"{name} is one text; expected a list of names")
        if len(values) > MAX_FILTER_VALUES:
            raise ConfigError(f"{name} has {len(values)} values; expected at most {MAX_FILTER_VALUES}")
        if not all(isinstance(value, str) and value.strip() for value in values):
            raise ConfigError(f"{name} holds a blank value; leave it out")
    if len(filters.attributes) > MAX_FILTER_VALUES or not all(name.strip() for name in filters.attributes):
        raise ConfigError("attributes: expected some names, each with its values")


def check_similar(top_k: int, filters: Filters, diversity: float, kind: SimilarKind) -> None:
    """Refuse a request for similar products that can't be answered.

    Raises:
        ConfigError: A value is out of its range.
    """
    check_page(top_k)
    check_filters(filters)
    _one_of("kind", kind, get_args(SimilarKind))
    if not 0 <= diversity <= 1:
        raise ConfigError(f"diversity is {diversity:g}; expected 0 (the most similar) to 1 (the most diverse)")


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(f"{name} is {value!r:.80}; expected {', '.join(known)}")
