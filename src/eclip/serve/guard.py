"""Who may ask, and how often: API keys, a rate for each client, and nothing written on behalf of other sites."""

from __future__ import annotations

import math

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from eclip.serve.keys import ApiKeys, presented_key
from eclip.serve.origins import is_name_of_this_machine, is_of_another_site
from eclip.serve.protection import fault_answer
from eclip.serve.rate import RateLimit, client_of

CLIENT = "eclip.client"  # of a request's scope: the name of its key
_OPEN_PATHS = ("/healthz", "/readyz")
_COUNTED_PATHS = ("/search", "/similar/", "/instances", "/enrich", "/match", "/review", "/corrections", "/map")
_READING = ("GET", "HEAD", "OPTIONS")
# A browser asks for a user's name and password then, and sends them with every request of the page.
_ASK_FOR_KEY = {"WWW-Authenticate": 'Basic realm="eclip, the password is an API key", charset="UTF-8"'}


class Guard:
    """Middleware that turns away who may not ask.

    Args:
        app: What is guarded.
        keys: Those that may ask; None = everybody.
        rate: How often each; None = as often as he likes. Counted are requests that cost: not pictures and pages.
        for_this_machine: Answer to this machine's names alone: what listens to it alone, without keys, trusts whoever
            reaches it, and any site can give itself its address.
    """

    def __init__(
        self, app: ASGIApp, *, keys: ApiKeys | None, rate: RateLimit | None, for_this_machine: bool = False
    ) -> None:
        self._app, self._keys, self._rate, self._for_this_machine = app, keys, rate, for_this_machine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401, 403, 421 or 429."""
        if scope["type"] != "http" or scope["path"] in _OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["method"], headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        client = client_of(scope["client"][0] if scope.get("client") else None)
        if self._keys is not None:
            name = self._keys.name_of(presented_key(dict(headers)))
            if name is None:
                refusal = fault_answer(401, "an API key is needed: send it as X-API-Key or bearer token", _ASK_FOR_KEY)
                await refusal(scope, receive, send)
                return
            scope[CLIENT] = client = name
        if self._rate is not None and scope["path"].startswith(_COUNTED_PATHS):
            seconds = self._rate.seconds_to_wait(client)
            if seconds > 0:
                again = {"Retry-After": str(math.ceil(seconds))}
                await fault_answer(429, "too many requests; slow down", again)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, method: str, headers: Headers) -> ASGIApp | None:
        """The answer to a request that another site's page sends in the name of who looks at it; None = it is none."""
        if self._for_this_machine and not is_name_of_this_machine(headers.get("host", "")):
            return fault_answer(
                421, "this service answers to localhost alone; start it with --api-keys, or --host, to give it a name"
            )
        if method not in _READING and is_of_another_site(headers):
            return fault_answer(403, "another site must not send this in a browser's name")
        return None
