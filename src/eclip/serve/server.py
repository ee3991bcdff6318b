"""A server around the app: where it listens, and how it ends: told to, it lets the proxy notice, then finishes."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from eclip.errors import ConfigError
from eclip.serve.connection import BoundedConnection
from eclip.serve.desk import Desk
from eclip.serve.limits import DRAIN_SECONDS, SHUTDOWN_SECONDS, SWITCH_SECONDS
from eclip.serve.reload import ReloadLoop

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765


def serve_app(
    app: FastAPI,
    desk: Desk,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    on_ready: Callable[[str], None] | None = None,
    drain_seconds: float = DRAIN_SECONDS,
) -> None:
    """Serve until interrupted; prints nothing.

    SIGTERM: /readyz turns 503, after `drain_seconds` no request is taken any more, those under way are finished (for
    at most `SHUTDOWN_SECONDS`). Ctrl-C does the same at once. SIGHUP looks for newer versions of store and model.

    Args:
        app: What `create_app` made.
        desk: Of the app.
        host: Address to listen on; the default is reached from this machine alone.
        port: Port to listen on. Where the default one is taken, any free one; 0 = any free one.
        on_ready: Called with the page's address once it answers.
        drain_seconds: From SIGTERM until it takes no more.

    Raises:
        ConfigError: The address can't be listened on, or a port of one's own choice is taken.
    """
    with _listening_socket(host, port) as listener, ReloadLoop(desk.live, desk.metrics) as reloading:
        server = _Server(
            uvicorn.Config(
                app,
                http=BoundedConnection,
                log_config=None,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                server_header=False,
            ),
            desk,
            reloading,
            drain_seconds=drain_seconds,
            on_ready=lambda: on_ready(_page_address(host, listener.getsockname()[1])) if on_ready else None,
        )
        interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            return  # how a person ends it
        finally:
            sys.setswitchinterval(interval)


class _Server(uvicorn.Server):
    """A uvicorn server that tells when it listens, drains before it ends, and reloads when asked to."""

    def __init__(
        self,
        config: uvicorn.Config,
        desk: Desk,
        reloading: ReloadLoop,
        *,
        drain_seconds: float,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._desk, self._reloading, self._on_ready = desk, reloading, on_ready
        self._drain_seconds = drain_seconds
        self._ends_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if hasattr(signal, "SIGHUP"):
            with contextlib.suppress(ValueError):  # not the main thread, as in tests
                signal.signal(signal.SIGHUP, lambda _signal, _frame: self._reloading.ask())
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Told to end: by SIGTERM slowly at first, a second time or by Ctrl-C at once."""
        is_first = not self._desk.draining
        self._desk.draining = True
        if sig == signal.SIGTERM and is_first:
            self._ends_at = time.monotonic() + self._drain_seconds
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to end now."""
        if self._ends_at is not None and time.monotonic() >= self._ends_at:
            self.should_exit = True
        return await super().on_tick(counter)


def _listening_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in (port, 0) if port == DEFAULT_PORT else (port,):
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, candidate))
            listener.listen()
        except (OSError, OverflowError) as error:
            listener.close()
            fault = error
        else:
            return listener
    raise ConfigError(f"can't listen on {host} port {port} ({fault}); choose another with --port") from fault


def _page_address(host: str, port: int) -> str:
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # nosec B104
    return f"http://{reached}:{port}/"
