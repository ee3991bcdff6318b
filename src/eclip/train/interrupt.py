"""Ctrl-C and SIGTERM between steps, never in the middle of one: weights and optimiser always agree."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class StopRequest:
    """Whether somebody asked the run to stop."""

    asked: bool = False

    def raise_if_asked(self) -> None:
        """Raise KeyboardInterrupt when a stop was asked for; called where stopping is safe."""
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def stop_between_steps() -> Iterator[StopRequest]:
    """Turn the first SIGINT or SIGTERM into a request; a second one interrupts at once."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request  # signals reach the main thread only
        return

    def ask(_signal: int, _frame: FrameType | None) -> None:
        request.raise_if_asked()
        request.asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
