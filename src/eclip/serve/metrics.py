"""What the service counts of itself, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROWS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counters of one service; each has a registry of its own, so that two may live in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "eclip_requests", "Requests answered", ["route", "method", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "eclip_request_seconds",
            "Time from the first byte to the answer's last",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "eclip_batch_rows",
            "Queries that went through a tower together",
            ["kind"],
            buckets=_ROWS,
            registry=self._registry,
        )
        self._reloads = Counter("eclip_reloads", "New versions of store or model", ["result"], registry=self._registry)
        self._waiting = Gauge(
            "eclip_waiting", "Requests accepted and not begun, by kind of work", ["work"], registry=self._registry
        )
        self._products = Gauge("eclip_products", "Listings in the store that is served", registry=self._registry)
        self._version = Gauge(
            "eclip_version_info", "The store and model that are served", ["version"], registry=self._registry
        )
        ProcessCollector(registry=self._registry)

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """One more request, by the route's pattern (never by its path: those are without number)."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_batch(self, kind: str, num_rows: int) -> None:
        """One more batch of queries."""
        self._batches.labels(kind).observe(num_rows)

    def count_reload(self, result: str) -> None:
        """A new version was taken up ("done"), or could not be ("failed")."""
        self._reloads.labels(result).inc()

    def watch_waiting(self, work: str, waiting: Callable[[], int]) -> None:
        """Ask this function for a queue's length whenever metrics are read."""
        self._waiting.labels(work).set_function(waiting)

    def tell_version(self, version: str, num_products: int) -> None:
        """Which version is served now."""
        self._version.clear()
        self._version.labels(version).set(1)
        self._products.set(num_products)

    def text(self) -> tuple[bytes, str]:
        """All of them, and the media type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
