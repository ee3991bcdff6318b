"""Whether the service answers, whether requests should come here, and what it counts."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Response

from eclip.serve.desk import Desk
from eclip.serve.limits import RETRY_AFTER_SECONDS
from eclip.serve.provenance import provenance
from eclip.serve.schemas import Health, Lineage, Readiness


def health_routes(desk: Desk) -> APIRouter:
    """Routes for proxies and monitoring; they wait for nobody."""
    router = APIRouter(tags=["operation"])

    @router.get("/healthz")
    async def health() -> Health:
        """Whether the service answers."""
        return Health(status="ok", num_products=desk.live.current.engine.num_products)

    @router.get("/readyz")
    async def readiness() -> Readiness:
        """Whether requests should come here: 503 once it is about to end."""
        if desk.draining:
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            raise HTTPException(503, "the service is about to end; ask another one", headers=headers)
        snapshot = desk.live.current
        return Readiness(status="ready", version=snapshot.version, num_products=snapshot.engine.num_products)

    @router.get("/lineage")
    async def lineage() -> Lineage:
        """Where answers of the version that is served come from; each answer names its version in a header."""
        return Lineage(**provenance(desk.live.current))

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Counters in Prometheus' text format."""
        content, media_type = desk.metrics.text()
        return Response(content, media_type=media_type)

    return router
