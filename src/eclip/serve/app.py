"""The service put together: routes, guards and observers around one desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from eclip.serve.apidocs import describe, docs_routes
from eclip.serve.desk import Desk
from eclip.serve.gate import Gate
from eclip.serve.guard import Guard
from eclip.serve.keys import ApiKeys
from eclip.serve.map import map_routes
from eclip.serve.observe import Observe
from eclip.serve.pages import page_routes
from eclip.serve.protection import BodyLimit, SecurityHeaders, answer_faults
from eclip.serve.rate import RateLimit
from eclip.serve.review import review_routes
from eclip.serve.routes.health import health_routes
from eclip.serve.routes.instances import instance_routes
from eclip.serve.routes.products import product_routes
from eclip.serve.routes.search import search_routes
from eclip.serve.routes.tasks import task_routes
from eclip.serve.schemas import Fault
from eclip.version import __version__

_REFUSALS = (401, 403, 404, 413, 415, 422, 429, 503)
_DESCRIPTION = "Search over a shop's products, and what its model says of listings. Every fault is one line of JSON."


def create_app(
    desk: Desk,
    *,
    report: Path | None = None,
    keys: ApiKeys | None = None,
    rate: RateLimit | None = None,
    allow_corrections: bool = False,
    for_this_machine: bool = False,
) -> FastAPI:
    """The service: JSON API, search page, product pictures and, when given, the report.

    Args:
        desk: What all routes work with; closed when the service ends.
        report: The HTML report of an evaluation, shown at /report; read at each request.
        keys: Who may ask; None = everybody who reaches the address.
        rate: How often each; None = as often as he likes.
        allow_corrections: Whether people may correct listings of the store.
        for_this_machine: Answer to no other names than this machine's own, see `Guard`.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    refusals: dict[int | str, dict[str, object]] = {status: {"model": Fault} for status in _REFUSALS}
    app = FastAPI(
        title="eclip search",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        responses=refusals,
        lifespan=lifespan,
    )
    for routes in (search_routes, instance_routes, product_routes, task_routes, health_routes, map_routes):
        app.include_router(routes(desk))
    app.include_router(review_routes(desk, may_correct=allow_corrections))
    app.include_router(page_routes(desk.live, report=report, may_correct=allow_corrections))
    app.include_router(docs_routes(app))
    describe(app)
    answer_faults(app)
    # The last one added stands outermost.
    app.add_middleware(BodyLimit)
    app.add_middleware(Guard, keys=keys, rate=rate, for_this_machine=for_this_machine)
    app.add_middleware(Gate)
    app.add_middleware(Observe, metrics=desk.metrics)
    app.add_middleware(SecurityHeaders)
    return app
