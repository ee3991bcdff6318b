"""Every request seen from outside: its id, its time, its line in the log, and what is answered when a bug ends it."""

from __future__ import annotations

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eclip.serve.gate import TURNED_AWAY
from eclip.serve.guard import CLIENT
from eclip.serve.logs import REQUEST_ID_HEADER, VERSION_HEADER, accepted_request_id, answered_by, fields, request_id
from eclip.serve.metrics import Metrics
from eclip.serve.protection import fault_answer

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_log = logging.getLogger(__name__)


class Observe:
    """Middleware that gives each request an id, counts it and logs it.

    Args:
        app: What answers.
        metrics: Count.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and look at what comes of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own_id = accepted_request_id(Headers(scope=scope).get(REQUEST_ID_HEADER))
        token = request_id.set(own_id)
        answered_by.set(None)
        started, status = time.perf_counter(), 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID_HEADER] = own_id
                if version := answered_by.get():
                    headers[VERSION_HEADER] = version
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except Exception:
            _log.exception("fault %s in %s %s", own_id, scope["method"], scope["path"])
            if status:
                raise  # half an answer is out: the connection is cut
            answer = fault_answer(500, f"something went wrong here; the log names it {own_id}")
            await answer(scope, receive, send_named)
        finally:
            self._tell(scope, status, time.perf_counter() - started)
            request_id.reset(token)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = "turned away" if TURNED_AWAY in scope else getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.count_request(route, method, status, seconds)
        told = {"method": method, "path": scope["path"], "route": route, "status": status, "client": scope.get(CLIENT)}
        _log.info("request", extra=fields(**told, version=answered_by.get(), seconds=round(seconds, 6)))
