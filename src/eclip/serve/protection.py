"""What guards the service: headers that bind the browser, a bound on what is sent, faults as JSON."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eclip.errors import EclipError
from eclip.serve.limits import MAX_UPLOAD_BYTES

_FORM_BYTES = 64 * 1024  # a form's own lines and its text, beside the picture
TOO_LARGE = f"the picture is larger than {MAX_UPLOAD_BYTES // 1024 // 1024} MB; send a smaller one"

SECURITY_HEADERS = {
    # blob: is the preview of a picture that the user has chosen, data: the page's empty icon
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# The report carries its style and pictures inside the file, and no script.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"

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
    """Middleware that refuses a body once it is larger than one picture and its form may be.

    The bytes are counted as they come, so that neither a false nor an absent length fills the disk.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while its body is within bounds."""
        received = 0

        async def receive_bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_UPLOAD_BYTES + _FORM_BYTES:
                raise HTTPException(413, TOO_LARGE)
            return message

        await self._app(scope, receive_bounded, send)


def answer_faults(app: FastAPI) -> None:
    """Make every fault one line of JSON: 4xx with what to mend, 500 with an id that the log repeats."""
    app.add_exception_handler(EclipError, _answer_caller)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(Exception, _answer_bug)


def _fault(status: int, error: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": " ".join(error.split())}, status_code=status, headers=headers)


async def _answer_caller(_request: Request, error: Exception) -> JSONResponse:
    return _fault(400, str(error))


async def _answer_http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return _fault(error.status_code, str(error.detail), error.headers)


async def _answer_validation(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [f"{fault['loc'][-1]}: {fault['msg']}, found {fault['input']!r:.60}" for fault in error.errors()]
    return _fault(422, "; ".join(faults))


async def _answer_bug(request: Request, error: Exception) -> JSONResponse:
    fault_id = uuid.uuid4().hex[:12]
    _log.error("fault %s in %s %s", fault_id, request.method, request.url.path, exc_info=error)
    # This answer leaves outside all middleware: it carries the headers itself.
    return _fault(500, f"something went wrong here; the log names it {fault_id}", SECURITY_HEADERS)
