"""A connection of the service: what stands before and between bodies is bounded in bytes and in time.

uvicorn reads heads of any length and waits for their end for ever, so that one client without a key could fill the
memory, and a few thousand hold all connections.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from eclip.serve.limits import MAX_HEAD_BYTES, MAX_HEAD_SECONDS


class BoundedConnection(HttpToolsProtocol):
    """Ends a connection whose head is too long or too slow.

    Counted are bytes since the parser last gave a whole head or a piece of a body on: the head itself, extensions of
    chunks, and what may follow a body.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._num_unread = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._head_is_whole()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless too much came without an end."""
        self._num_unread += len(data)
        super().data_received(data)
        if self._num_unread > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._give_up("the head of the request is too long")

    def on_message_begin(self) -> None:
        """Wait for the head that begins here."""
        super().on_message_begin()
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        """The head is whole: what follows has bounds of its own."""
        self._head_is_whole()
        self._num_unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body, which is counted elsewhere."""
        self._num_unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A whole request; the next one is counted anew."""
        self._num_unread = 0
        super().on_message_complete()

    def _wait_for_head(self) -> None:
        self._head_is_whole()
        self._patience = self.loop.call_later(MAX_HEAD_SECONDS, self._give_up, "the head of the request is too slow")

    def _head_is_whole(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self, reason: str) -> None:
        self._head_is_whole()
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()  # an answer is under way: nothing can be said any more
        elif not self.transport.is_closing():
            self.send_400_response(reason)
