"""Heads of requests over real connections: none can fill the memory, none can hold a connection for ever."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from eclip.serve import connection
from eclip.serve.connection import BoundedConnection

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


async def echo(scope, receive, send):
    """Answers with the length of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    config = uvicorn.Config(echo, http=BoundedConnection, log_config=None, lifespan="off", timeout_keep_alive=60)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(10)


def said(port: int, *pieces: bytes, then: float = 10) -> tuple[bytes, int]:
    """What comes back until the connection ends or is silent, and how much could be sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=then) as client:
        sent, answer = 0, b""
        try:
            for piece in pieces:
                client.sendall(piece)
                sent += len(piece)
            while more := client.recv(4096):
                answer += more
        except (TimeoutError, ConnectionError):
            pass
        return answer, sent


def test_usual_requests_pass_one_after_the_other(port):
    first = HEAD + b"Content-Length: 200000\r\n\r\n" + b"a" * 200_000
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"5\r\nhello\r\n" * 20_000 + b"0\r\n\r\n"
    last = HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi"
    answer, _ = said(port, first, chunked, last)
    assert answer.count(b"200 OK") == 3
    assert [part.rpartition(b"\r\n")[2] for part in answer.split(b"HTTP/1.1")[1:]] == [b"200000", b"100000", b"2"]


@pytest.mark.parametrize(
    "endless",
    [
        [HEAD, *[b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(4000)]],
        [HEAD + b"X: ", *[b"a" * 10_000] * 400],
        [b"GET /", *[b"a" * 10_000] * 400],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;", *[b"a" * 10_000] * 400],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", *[b"a" * 10_000] * 400],
    ],
    ids=["many headers", "one header", "address", "extension of a chunk", "after the body"],
)
def test_a_head_without_end_is_given_up(port, endless):
    answer, sent = said(port, *endless)
    assert b"200 OK" not in answer
    # Ended long before all of it came; what the network held on the way may have been sent all the same.
    assert b"too long" in answer or sent < sum(map(len, endless)) or answer == b""


def test_a_head_that_does_not_come_is_not_waited_for(port, monkeypatch):
    monkeypatch.setattr(connection, "MAX_HEAD_SECONDS", 0.2)
    for piece in (b"", b"GET / HTTP/1.1\r\nX: "):
        started = time.monotonic()
        answer, _ = said(port, piece)
        assert b"too slow" in answer
        assert time.monotonic() - started < 8
