"""What guards the service: headers that bind the browser, bounds on what is sent, faults as one line of JSON."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eclip.errors import ConfigError, EclipError, FeedError
from eclip.serve.limits import (
    FORM_BYTES,
    MAX_BODY_SECONDS,
    MAX_LISTINGS_BYTES,
    MAX_UPLOAD_BYTES,
    RETRY_AFTER_SECONDS,
)
from eclip.serve.workers import BusyError

SECURITY_HEADERS = {
    # blob: is the preview of a picture that the user has chosen, data: the page's empty icon
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# The report carries its style and pictures inside the file, and no script.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"

_LISTING_ROUTES = ("/enrich", "/match")
_MEGABYTE = 1024 * 1024

_log = logging.getLogger(__name__)


class SecurityHeaders:
    """Middleware that adds `SECURITY_HEADERS` where an answer has not set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the headers of the answer."""

        async def send_complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_complete)


class BodyLimit:
    """Middleware that refuses a body once it is larger than it may be, or comes too slowly.

    The bytes are counted as they come, so that neither a false nor an absent length fills memory or disk.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while its body is within bounds."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = MAX_LISTINGS_BYTES if scope["path"] in _LISTING_ROUTES else MAX_UPLOAD_BYTES + FORM_BYTES
        received, is_whole = 0, False
        loop = asyncio.get_running_loop()
        deadline = loop.time() + MAX_BODY_SECONDS

        async def receive_bounded() -> Message:
            nonlocal received, is_whole
            if is_whole:  # what comes now is the end of the connection, whenever that is
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, f"the body did not come within {MAX_BODY_SECONDS:g} seconds") from None
            received += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if received > most:
                raise _body_too_large(most)
            return message

        if int_or_zero(Headers(scope=scope).get("content-length")) > most:
            await answer_http(_body_too_large(most))(scope, receive, send)
            return
        await self._app(scope, receive_bounded, send)


def int_or_zero(text: str | None) -> int:
    """A number of decimal digits; 0 where it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


def answer_faults(app: FastAPI) -> None:
    """Make every fault one line of JSON: 4xx with what to mend, 503 for what may go well later."""
    app.add_exception_handler(EclipError, _answer_error)
    app.add_exception_handler(BusyError, _answer_busy)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_validation)


def fault_answer(status: int, error: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A fault as the service says it."""
    return JSONResponse({"error": " ".join(error.split())}, status_code=status, headers=headers)


def busy_answer(error: str) -> JSONResponse:
    """503, with when to come again."""
    return fault_answer(503, error, {"Retry-After": str(RETRY_AFTER_SECONDS)})


def answer_http(error: HTTPException) -> JSONResponse:
    """The answer of an HTTP error."""
    return fault_answer(error.status_code, str(error.detail), error.headers)


def validation_line(errors: Sequence[Any]) -> str:
    """What is wrong with a request, in one line."""
    faults = [
        f"{'.'.join(str(part) for part in fault['loc'] if part not in ('query', 'body', 'path')) or 'body'}: "
        f"{fault['msg']}, found {fault['input']!r:.60}"
        for fault in errors[:5]
    ]
    return "; ".join(faults)


def _body_too_large(most: int) -> HTTPException:
    return HTTPException(413, f"the request is larger than {most // _MEGABYTE} MB; send a smaller picture, or less")


async def _answer_error(_request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, ConfigError | FeedError):
        return fault_answer(422, str(error))
    # A store or model that can't be read is no fault of the caller's, and its path none of his business.
    _log.error("can't answer: %s", error)
    return busy_answer("the store or the model can't be read now; try again")


async def _answer_busy(_request: Request, _error: Exception) -> JSONResponse:
    return busy_answer("too many requests at once; try again")


async def _answer_http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return answer_http(error)


async def _answer_validation(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    return fault_answer(422, validation_line(error.errors()))
