"""Turns searches away at the door while as many are inside as can be answered in time.

The queue before the threads bounds what waits there; this bounds what the event loop has to do for each request before
and after: without it, a flood of requests that will all be refused keeps the loop from those that were accepted.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from eclip.serve.limits import ANSWER_THREADS, WAITING_ANSWERS
from eclip.serve.protection import busy_answer

TURNED_AWAY = "eclip.turned-away"  # of a request's scope: it got no further
_SEARCHES = ("/search", "/similar/")


class Gate:
    """Middleware that counts the searches inside.

    Only those without a body: one that is slow to send its picture must not keep others out.

    Args:
        app: What is inside.
        most: Searches that may be inside at once.
    """

    def __init__(self, app: ASGIApp, *, most: int = ANSWER_THREADS + WAITING_ANSWERS) -> None:
        self._app, self._most = app, most
        self._num_inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 503 at once."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(_SEARCHES):
            await self._app(scope, receive, send)
            return
        if self._num_inside >= self._most:
            scope[TURNED_AWAY] = True
            await busy_answer("too many requests at once; try again")(scope, receive, send)
            return
        self._num_inside += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._num_inside -= 1
