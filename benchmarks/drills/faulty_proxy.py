"""A proxy before a server of object storage that answers 500, loses answers, is slow, or out of order altogether.

    python -m benchmarks.drills.faulty_proxy PORT SERVER_PORT

POST /faults with the fields of `Faults` says what it does from then on; everything else is passed on, or is not.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUSY = (
    b"<Error><Code>InternalError</Code><Message>We encountered an internal error. Please try again.</Message></Error>"
)
_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "server", "date")


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What befalls requests.

    Attributes:
        errors: Share that is answered 500 and not passed on.
        lost: Share that is passed on, and answered 500 all the same.
        slow: Share that waits first.
        slow_seconds: How long.
        outage_after: Every request after so many is answered 500; None = never.
        seed: Which requests it is.
    """

    errors: float = 0.0
    lost: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 0.0
    outage_after: int | None = None
    seed: int = 0


class FaultyProxy(ThreadingHTTPServer):
    """The proxy; counts requests since it was last told what to do."""

    daemon_threads = True

    def __init__(self, port: int, server_port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.passed_on_to = server_port
        self._lock = threading.Lock()
        self.begin(Faults())

    def begin(self, faults: Faults) -> dict[str, int]:
        """Do this from now on; returns how many requests befell what until now."""
        with self._lock:
            counts = getattr(self, "_counts", {})
            self.faults, self._draw = faults, random.Random(faults.seed)
            self._counts = {"requests": 0, "errors": 0, "lost": 0, "slow": 0}
        return counts

    def next_fault(self) -> str:
        """What befalls the next request."""
        with self._lock:
            self._counts["requests"] += 1
            after = self.faults.outage_after
            fault, drawn = "", self._draw.random()
            if after is not None and self._counts["requests"] > after:
                fault = "errors"
            else:
                for name in ("errors", "lost", "slow"):
                    share = getattr(self.faults, name)
                    if 0 <= drawn < share:
                        fault = name
                    drawn -= share
            if fault:
                self._counts[fault] += 1
            return fault


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def _pass_on(self) -> None:
        body = self._body()
        if self.path == "/faults":
            counts = self.server.begin(Faults(**json.loads(body)))
            self._answer(200, {}, json.dumps(counts).encode())
            return
        fault = self.server.next_fault()
        if fault == "errors":
            self._answer(500, {"Content-Type": "application/xml"}, BUSY)
            return
        if fault == "slow":
            time.sleep(self.server.faults.slow_seconds)
        status, headers, data = self._asked(body)
        if fault == "lost":
            self._answer(500, {"Content-Type": "application/xml"}, BUSY)
        else:
            self._answer(status, headers, data)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815 - as http.server names them

    def _asked(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.passed_on_to, timeout=60)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in (*_HOP, "expect")}
        try:
            connection.request(self.command, self.path, body=body, headers={**kept, "Content-Length": str(len(body))})
            answer = connection.getresponse()
            data = answer.read()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
            if self.command == "HEAD":
                headers["Content-Length"] = answer.getheader("Content-Length") or "0"
        finally:
            connection.close()
        return answer.status, headers, data

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            continue
        return b"".join(parts)

    def _answer(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    FaultyProxy(int(sys.argv[1]), int(sys.argv[2])).serve_forever()
