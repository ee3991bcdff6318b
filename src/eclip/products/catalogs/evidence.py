"""All that the rules need to know of N listings, gathered once from their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eclip.products.catalogs.brands import brand_aliases, brand_codes
from eclip.products.catalogs.conflicts import Trait, trait_of_pairs, trait_of_values, within, written_longer
from eclip.products.catalogs.facts import (
    amount_traits,
    attribute_pairs,
    learn_colour_words,
    title_colour_pairs,
    title_size_pairs,
)
from eclip.products.catalogs.identifiers import normal_gtin, normal_model_number, shared_by_unrelated
from eclip.products.catalogs.lexicon import COLOUR_OF
from eclip.products.catalogs.links import Offers, rare_words, repeated_rows, title_keys
from eclip.products.catalogs.modelnumbers import title_model_numbers, truncated_numbers
from eclip.products.catalogs.titles import TitleWords, title_words


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What N listings say, normalised.

    Attributes:
        words: Their titles' words.
        title_keys: [N] titles as they are compared, "" = none.
        rare: [W] which words tell one item from others.
        gtins: [N] barcodes that can be trusted to name one product.
        given_models: [N] model numbers of their own column.
        models: [N] the same, and where there is none, that of the title.
        brands: [N] int64 brand codes, -1 = not known.
        brand_names: What they number.
        offers: Sellers, prices, pictures.
        repeated: [N] bool: the seller lists this very title for other items too.
        asked: [N] float64 price, or minus the title's number where there is none.
        traits: Facts that may contradict each other.
        colour_of: Words of titles that name a colour.
    """

    words: TitleWords
    title_keys: list[str]
    rare: np.ndarray
    gtins: list[str | None]
    given_models: list[str | None]
    models: list[str | None]
    brands: np.ndarray
    brand_names: list[str]
    offers: Offers
    repeated: np.ndarray
    asked: np.ndarray
    traits: list[Trait]
    colour_of: dict[str, str]

    @property
    def sellers(self) -> np.ndarray:
        """[N] seller codes, -1 = not known."""
        return self.offers.sellers


def gather_evidence(columns: dict[str, Sequence[Any]]) -> Evidence:
    """Normalise and count what the columns say; see `Evidence`."""
    words = title_words(columns["title"])
    keys = title_keys(words)
    num_rows = len(words)
    gtins = _memo(normal_gtin, columns["gtin"])
    brands, brand_names = brand_codes(columns["brand"], words)
    brands = brand_aliases(gtins, brands)
    misused = shared_by_unrelated(gtins, words, brands)
    gtins = [None if gtin in misused else gtin for gtin in gtins]
    sellers = codes_of(columns["seller"])
    given = _memo(normal_model_number, columns["model_number"])
    titled = title_model_numbers(words, sellers=sellers, brands=brands, known={m for m in given if m})
    colours, sizes = attribute_pairs(columns["attributes"])
    given_colours = trait_of_pairs("colours", num_rows, colours)
    colour_of = COLOUR_OF | learn_colour_words(words, given_colours, brands)
    traits = [
        trait_of_values("catalogs", columns["catalog_id"]),
        trait_of_values("models", columns["model_id"]),
        trait_of_values("barcodes", gtins, within),
        trait_of_values(
            "brands", [brand_names[code] if code >= 0 else None for code in brands.tolist()], written_longer
        ),
        trait_of_values("model numbers", given, written_longer),
        given_colours,
        trait_of_pairs("sizes", num_rows, sizes),
        *amount_traits(words),
        trait_of_values("title model numbers", titled, written_longer),
        trait_of_pairs("title colours", num_rows, title_colour_pairs(words, colour_of)),
        trait_of_pairs("title sizes", num_rows, title_size_pairs(words)),
    ]
    offers = Offers(sellers=sellers, prices=_prices(columns["price"]), pictures=codes_of(columns["image_hash"]))
    repeated = repeated_rows(keys, offers)
    cut_off = truncated_numbers(titled)
    titled = [
        None if again or number in cut_off else number for again, number in zip(repeated.tolist(), titled, strict=True)
    ]
    return Evidence(
        words=words,
        title_keys=keys,
        rare=rare_words(words, keys),
        gtins=gtins,
        given_models=given,
        models=[own or number for own, number in zip(given, titled, strict=True)],
        brands=brands,
        brand_names=brand_names,
        offers=offers,
        repeated=repeated,
        asked=np.where(np.isnan(offers.prices), -1.0 - codes_of(keys), offers.prices),
        traits=traits,
        colour_of=colour_of,
    )


def codes_of(values: Sequence[Any]) -> np.ndarray:
    """[N] int64 numbers of equal values, in order of first appearance; -1 for None."""
    code_of: dict[Any, int] = {}
    return np.fromiter(
        (-1 if value is None else code_of.setdefault(value, len(code_of)) for value in values),
        dtype=np.int64,
        count=len(values),
    )


def _prices(values: Sequence[float | None]) -> np.ndarray:
    return np.array([float("nan") if value is None else float(value) for value in values], dtype=np.float64)


def _memo(normal: Any, values: Sequence[str | None]) -> list[str | None]:
    """A rule over a column whose values repeat."""
    known: dict[str | None, str | None] = {}
    out = []
    for value in values:
        if value not in known:
            known[value] = normal(value)
        out.append(known[value])
    return out
