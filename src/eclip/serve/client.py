"""A typed client of the service: `with ServiceClient("http://localhost:8765") as shop: shop.search("red shirt")`.

Needs httpx and pydantic alone: no torch, no store. A service that is busy is asked again when it says so.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Literal, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from eclip.errors import EclipError
from eclip.serve.clientfields import as_texts, filter_fields, given, quoted
from eclip.serve.reviewschemas import Correction, ReviewAnswer, ReviewTask
from eclip.serve.schemas import Health, InstancesAnswer, Lineage, ProductAnswer, Readiness, SearchAnswer
from eclip.serve.taskschemas import EnrichAnswer, EnrichRequest, Listing, MatchAnswer, MatchRequest

Answer = TypeVar("Answer", bound=BaseModel)

_AGAIN = (429, 503)
_LONGEST_WAIT_SECONDS = 30.0


class ServiceError(EclipError):
    """The service refused a request, or could not be reached.

    Attributes:
        status: Of the answer; None where none came.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ServiceClient:
    """Asks one service; to be used as a context, by one thread or by several.

    Args:
        url: Where the service answers.
        api_key: Where it wants one.
        timeout_seconds: For one answer.
        retries: How often a request is sent again that was answered 429 or 503.
        transport: Stands in for the network.
        sleep: Stands in for waiting.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 30.0,
        retries: int = 3,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"X-API-Key": api_key} if api_key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_seconds, transport=transport)
        self._retries, self._sleep = retries, sleep

    def __enter__(self) -> ServiceClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def search(
        self,
        text: str | None = None,
        *,
        picture: bytes | None = None,
        category: str | None = None,
        min_price: float | None = None,
        max_price: float | None = None,
        brands: Sequence[str] = (),
        attributes: Sequence[tuple[str, str]] = (),
        hide_adult: bool = False,
        top_k: int = 24,
        offset: int = 0,
        ranking: Literal["hybrid", "vectors", "words"] = "hybrid",
        facets: bool = False,
    ) -> SearchAnswer:
        """Products by text, an encoded picture, or both; parameters as GET /search has them.

        Raises:
            ServiceError: The service refused, or can't be reached.
        """
        fields = filter_fields(category, min_price, max_price, brands, attributes, hide_adult=hide_adult)
        fields |= {"q": text, "top_k": top_k, "offset": offset, "ranking": ranking, "facets": facets}
        fields = given(fields)
        if picture is None:
            return self._ask(SearchAnswer, "GET", "/search", params=fields)
        return self._ask(SearchAnswer, "POST", "/search", data=as_texts(fields), files={"picture": picture})

    def similar(
        self,
        product_id: str,
        *,
        kind: Literal["similar", "complements"] = "similar",
        diversity: float = 0.0,
        category: str | None = None,
        min_price: float | None = None,
        max_price: float | None = None,
        brands: Sequence[str] = (),
        attributes: Sequence[tuple[str, str]] = (),
        hide_adult: bool = False,
        top_k: int = 24,
    ) -> SearchAnswer:
        """Products like one of the store, or that go with it.

        Raises:
            ServiceError: No such product; the service refused, or can't be reached.
        """
        fields = filter_fields(category, min_price, max_price, brands, attributes, hide_adult=hide_adult)
        fields |= {"kind": kind, "diversity": diversity, "top_k": top_k}
        return self._ask(SearchAnswer, "GET", f"/similar/{quoted(product_id)}", params=given(fields))

    def product(self, product_id: str) -> ProductAnswer:
        """One listing, with all offers of its product.

        Raises:
            ServiceError: No such product; the service refused, or can't be reached.
        """
        return self._ask(ProductAnswer, "GET", f"/products/{quoted(product_id)}")

    def picture(self, product_id: str, number: int = 0) -> bytes:
        """An encoded picture of a listing.

        Raises:
            ServiceError: No such picture; the service refused, or can't be reached.
        """
        return self._send("GET", f"/products/{quoted(product_id)}/image", params={"number": number}).content

    def enrich(self, listings: Sequence[Listing]) -> EnrichAnswer:
        """What the fitted tasks say of new listings; `with_picture` puts a picture into one.

        Raises:
            ServiceError: The service refused, or can't be reached.
        """
        request = EnrichRequest(listings=list(listings))
        return self._ask(EnrichAnswer, "POST", "/enrich", json=request.model_dump(exclude_none=True))

    def match(self, left: Listing, right: Listing) -> MatchAnswer:
        """Whether two listings are one product.

        Raises:
            ServiceError: The service refused, or can't be reached.
        """
        request = MatchRequest(left=left, right=right)
        return self._ask(MatchAnswer, "POST", "/match", json=request.model_dump(exclude_none=True))

    def catalog_of(self, listing: Listing) -> MatchAnswer:
        """To which catalog of the store a listing belongs.

        Raises:
            ServiceError: The service refused, or can't be reached.
        """
        request = MatchRequest(listing=listing)
        return self._ask(MatchAnswer, "POST", "/match", json=request.model_dump(exclude_none=True))

    def instances(
        self,
        photo: bytes,
        *,
        category: str | None = None,
        min_price: float | None = None,
        max_price: float | None = None,
        brands: Sequence[str] = (),
        attributes: Sequence[tuple[str, str]] = (),
        hide_adult: bool = False,
        top_k: int = 5,
    ) -> InstancesAnswer:
        """The several products of one encoded photo, each with its place.

        Raises:
            ServiceError: The photo can't be read; the service refused, can't look into photos, or can't be reached.
        """
        fields = filter_fields(category, min_price, max_price, brands, attributes, hide_adult=hide_adult)
        data = as_texts(given(fields | {"top_k": top_k}))
        return self._ask(InstancesAnswer, "POST", "/instances", data=data, files={"photo": photo})

    def review(self, task: ReviewTask = "category", *, top_k: int = 20) -> ReviewAnswer:
        """The least certain answers that nobody has looked at yet.

        Raises:
            ServiceError: The service refused, or can't be reached.
        """
        return self._ask(ReviewAnswer, "GET", "/review", params={"task": task, "top_k": top_k})

    def correct(self, product_id: str, field: str, value: str | None, *, source: str | None = None) -> Correction:
        """Say what a field of a listing is: category, policy, catalog_id or attributes.NAME; None = it has no value.

        Raises:
            ServiceError: No such product, field or value; corrections are not taken there; or it can't be reached.
        """
        said = Correction(product_id=product_id, field=field, value=value, source=source)
        return self._ask(Correction, "POST", "/corrections", json=said.model_dump())

    def health(self) -> Health:
        """That the service answers."""
        return self._ask(Health, "GET", "/healthz")

    def readiness(self) -> Readiness:
        """That it takes requests, and which version it serves."""
        return self._ask(Readiness, "GET", "/readyz")

    def lineage(self) -> Lineage:
        """What the version that is served is made of."""
        return self._ask(Lineage, "GET", "/lineage")

    def _ask(self, model: type[Answer], method: str, path: str, **request: Any) -> Answer:
        response = self._send(method, path, **request)
        try:
            return model.model_validate_json(response.content)
        except ValidationError as fault:
            raise ServiceError(
                f"{response.url}: not what an eclip service answers ({fault.error_count()} faults); is it another one?"
            ) from None

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        for attempt in range(self._retries + 1):
            try:
                response = self._http.request(method, path, **request)
            except httpx.HTTPError as fault:
                raise ServiceError(f"{self._http.base_url}: can't be reached ({fault})") from fault
            if response.is_success:
                return response
            if response.status_code not in _AGAIN or attempt == self._retries:
                break
            self._sleep(_wait_seconds(response, attempt))
        raise ServiceError(f"{response.status_code}: {_error_of(response)}", status=response.status_code)


def with_picture(listing: Listing, picture: bytes) -> Listing:
    """The listing with an encoded picture."""
    return listing.model_copy(update={"picture": base64.b64encode(picture).decode("ascii")})


def _wait_seconds(response: httpx.Response, attempt: int) -> float:
    """What the service asks for, at least; longer each time, so that many clients do not come back together."""
    told = response.headers.get("retry-after", "")
    asked = float(told) if told.isascii() and told.isdigit() else 1.0
    return float(min(asked * 2**attempt, _LONGEST_WAIT_SECONDS))


def _error_of(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase
