"""Takes up newer versions of store and model while requests are answered: looks every few seconds, or when asked to.

A version that can't be opened leaves the old one in its place: the log says why, and it is tried again a minute later
(a model may be there before the store has its vectors), or as soon as anything of it changes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from eclip.errors import EclipError
from eclip.serve.limits import POLL_SECONDS, RETRY_BROKEN_SECONDS
from eclip.serve.live import Live
from eclip.serve.logs import fields
from eclip.serve.metrics import Metrics

_log = logging.getLogger(__name__)


class ReloadLoop:
    """Looks for newer versions in a thread of its own; to be used as a context.

    Args:
        live: Where they are taken up.
        metrics: Count them.
        poll_seconds: Between two looks.
        clock: Seconds.
    """

    def __init__(
        self,
        live: Live,
        metrics: Metrics,
        *,
        poll_seconds: float = POLL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._live, self._metrics, self._poll_seconds, self._clock = live, metrics, poll_seconds, clock
        self._asked, self._ended = threading.Event(), threading.Event()
        self._broken: str | None = None  # fingerprint of a version that could not be opened
        self._broken_at = 0.0
        self._thread = threading.Thread(target=self._run, name="serve-reload", daemon=True)

    def __enter__(self) -> ReloadLoop:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._asked.set()
        self._thread.join()

    def ask(self) -> None:
        """Look now, and at a version that could not be opened again; may be called by a signal handler."""
        self._broken = None
        self._asked.set()

    def look(self) -> None:
        """Take up a newer version if there is one that can be opened."""
        try:
            seen = self._live.newer_fingerprint()
            if seen is None or self._is_known_broken(seen):
                return
        except EclipError as fault:  # a server of object storage that does not answer now will later
            _log.warning("can't see whether store or model are newer: %s", fault)
            return
        started = self._clock()
        try:
            taken_up = self._live.refresh()
        except Exception as fault:  # a bug in opening it is no reason to end what is served
            self._broken, self._broken_at = seen, self._clock()
            self._metrics.count_reload("failed")
            bug = None if isinstance(fault, EclipError) else fault
            _log.error("the new version can't be opened, the old one goes on: %s", fault, exc_info=bug)
            return
        if taken_up:
            self._metrics.count_reload("done")
            seconds = round(self._clock() - started, 3)
            _log.info("a new version is served", extra=fields(version=self._live.current.version, seconds=seconds))

    def _is_known_broken(self, seen: str) -> bool:
        return seen == self._broken and self._clock() - self._broken_at < RETRY_BROKEN_SECONDS

    def _run(self) -> None:
        while not self._ended.is_set():
            self._asked.wait(self._poll_seconds)
            self._asked.clear()
            if not self._ended.is_set():
                self.look()
