"""What the engine found, as the service says it."""

from __future__ import annotations

from eclip.search.results import Facets, FacetValue, Hit, Results
from eclip.serve.schemas import (
    AttributeFacetAnswer,
    CategoryFacetAnswer,
    FacetsAnswer,
    FacetValueAnswer,
    HitAnswer,
    PriceRange,
    SearchAnswer,
    image_url,
)


def search_answer(results: Results, *, seconds: float) -> SearchAnswer:
    """A page of products."""
    facets = None if results.facets is None else _facets(results.facets)
    hits = [hit_answer(hit) for hit in results.hits]
    return SearchAnswer(hits=hits, num_products=results.num_products, facets=facets, seconds=round(seconds, 6))


def shown_url(url: str | None) -> str | None:
    """An address that a page may link to; what a feed gave may as well be a script."""
    return url if url and url.lower().startswith(("http://", "https://")) else None


def hit_answer(hit: Hit) -> HitAnswer:
    """One product found."""
    return HitAnswer(
        product_id=hit.product_id,
        title=hit.title,
        category=hit.category,
        price=hit.price,
        brand=hit.brand,
        seller=hit.seller,
        score=hit.score,
        matched=[each for each in ("vectors", "words") if each in hit.matched],
        image_url=image_url(hit.product_id),
        same_product_ids=hit.same_product_ids,
        num_sellers=hit.num_sellers,
        min_price=hit.min_price,
        max_price=hit.max_price,
        catalog_id=hit.catalog_id,
    )


def _facets(facets: Facets) -> FacetsAnswer:
    return FacetsAnswer(
        categories=[CategoryFacetAnswer(name=c.name, path=c.path, count=c.count) for c in facets.categories],
        brands=_values(facets.brands),
        attributes=[AttributeFacetAnswer(name=each.name, values=_values(each.values)) for each in facets.attributes],
        price=None if facets.price is None else PriceRange(min=facets.price[0], max=facets.price[1]),
        adult=facets.adult,
    )


def _values(values: list[FacetValue]) -> list[FacetValueAnswer]:
    return [FacetValueAnswer(value=each.value, count=each.count) for each in values]
