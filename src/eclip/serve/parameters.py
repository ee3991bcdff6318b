"""What a search may be asked: the same fields in an address and in a form, checked and made a query of the engine."""

from __future__ import annotations

from typing import Annotated

from fastapi import HTTPException, UploadFile
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from eclip.search.query import Filters, Query, Ranking, SimilarKind
from eclip.serve.limits import (
    MAX_FILTER_CHARACTERS,
    MAX_FILTER_VALUES,
    MAX_OFFSET,
    MAX_QUERY_CHARACTERS,
    MAX_TOP_K,
)

LEVELS = ">"  # parts the levels of a category path

FilterText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_FILTER_CHARACTERS)]
Price = Annotated[float | None, Field(None, ge=0, allow_inf_nan=False)]


class FilterFields(BaseModel):
    """Among which products."""

    model_config = ConfigDict(extra="forbid")

    category: FilterText | None = Field(None, examples=["Apparel > Shirts"], description="A category with all below it")
    min_price: Price = Field(None, description="Inclusive; listings without a price are left out")
    max_price: Price = Field(None, description="Inclusive; listings without a price are left out")
    brand: list[FilterText] = Field([], max_length=MAX_FILTER_VALUES, description="Any of these", examples=[["Acme"]])
    attribute: list[FilterText] = Field(
        [],
        max_length=MAX_FILTER_VALUES,
        description="name:value; of one name any of the values, of several names each",
        examples=[["colour:red", "colour:blue", "size:M"]],
    )
    hide_adult: bool = Field(default=False, description="Leave out products for adults alone")
    top_k: int = Field(24, ge=1, le=MAX_TOP_K, description="How many products")

    def filters(self) -> Filters:
        """As the engine takes them.

        Raises:
            HTTPException: 422 when one can't be understood.
        """
        attributes: dict[str, list[str]] = {}
        for each in self.attribute:
            name, separator, value = (part.strip() for part in each.partition(":"))
            if not (name and separator and value):
                raise HTTPException(422, f"attribute: expected name:value, found {each!r:.80}")
            attributes.setdefault(name, []).append(value)
        return Filters(
            category=tuple(name for part in (self.category or "").split(LEVELS) if (name := part.strip())),
            min_price=self.min_price,
            max_price=self.max_price,
            brands=tuple(self.brand),
            attributes={name: tuple(values) for name, values in attributes.items()},
            hide_adult=self.hide_adult,
        )


class SearchFields(FilterFields):
    """What is sought."""

    q: str | None = Field(
        None, max_length=MAX_QUERY_CHARACTERS, description="What is sought", examples=["red linen shirt"]
    )
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="How many of the best to pass over")
    ranking: Ranking = Field("hybrid", description="By vectors and words together, or by one of them")
    facets: bool = Field(default=False, description="Also count what could be filtered by")

    def query(self, image: bytes | None = None) -> Query:
        """As the engine takes it.

        Raises:
            HTTPException: 422 when a filter can't be understood.
        """
        return Query(
            text=self.q,
            image=image,
            filters=self.filters(),
            top_k=self.top_k,
            offset=self.offset,
            ranking=self.ranking,
            with_facets=self.facets,
        )


class SearchForm(SearchFields):
    """The same as a form, with a picture."""

    picture: UploadFile | None = Field(None, description="A picture of what is sought: JPEG, PNG or WebP")


class SimilarFields(FilterFields):
    """What stands beside a product."""

    kind: SimilarKind = Field("similar", description="Like it, or what goes with it (by baskets and outfits)")
    diversity: float = Field(
        0.0, ge=0, le=1, allow_inf_nan=False, description="0: the most similar; towards 1: less alike each other"
    )
