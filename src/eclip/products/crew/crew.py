"""The cleaners of one machine: processes, as many as are asked at once; or, for a small feed, this process itself."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from types import TracebackType

from eclip.errors import FeedError
from eclip.products.crew.cleaner import CleanerDiedError, CleanerProcess
from eclip.products.crew.parcels import pack_cleaned, unpack_batch
from eclip.products.crew.work import BatchCleaner

_ATTEMPTS = 2  # a process may be killed for reasons of its own; the second time it is the batch


@dataclass(frozen=True, kw_only=True)
class Job:
    """One feed to be cleaned, as every machine that takes part knows it.

    Attributes:
        token: Names it; two jobs never share one.
        source: How messages name the feed.
        settings: What `work.pack_settings` gave.
        in_processes: Clean in processes of their own; else in threads of the process that is asked.
    """

    token: str
    source: str
    settings: bytes
    in_processes: bool


class Crew:
    """Cleans packed batches; safe to call from many threads, each of which waits for its own.

    Args:
        job: What is to be cleaned.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._idle: list[CleanerProcess] = []
        self._busy: set[CleanerProcess] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._own = None if job.in_processes else BatchCleaner.from_settings(job.settings)
        self._own_turn = threading.Lock()  # two batches at once would only take Python's lock from each other

    def __enter__(self) -> Crew:
        if self._own is not None:
            self._own.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes, those at work too: who waits for one gets an error, and none is started any more."""
        with self._lock:
            self._closed = True
            cleaners = [*self._idle, *self._busy]
            self._idle.clear()
        for cleaner in cleaners:
            cleaner.end()
        if self._own is not None:
            self._own.__exit__(None, None, None)

    def pids(self) -> list[int]:
        """The processes that are there now."""
        with self._lock:
            return [cleaner.pid for cleaner in (*self._idle, *self._busy)]

    def answer(self, parcel: bytes) -> bytes:
        """What became of a packed batch, packed; a batch whose process ended is tried once more by another."""
        if self._own is not None:
            with self._own_turn:
                return pack_cleaned(self._lost(parcel, "")) if self._closed else self._own.answer(parcel)
        how = ""
        for _ in range(_ATTEMPTS):
            cleaner = self._take()
            if cleaner is None:
                break
            try:
                answer = cleaner.clean(parcel)
            except CleanerDiedError as fault:
                how = str(fault)
                self._give_up(cleaner)
            else:
                self._give_back(cleaner)
                return answer
        return pack_cleaned(self._lost(parcel, how))

    def _lost(self, parcel: bytes, how: str) -> FeedError:
        """What is said of a batch that ended its processes."""
        if self._closed:
            return FeedError("cleaning was stopped", path=self._job.source)
        rows = unpack_batch(parcel).rows
        return FeedError(
            f"rows {rows[0]:,} to {rows[-1]:,} ended the process that cleans them, {_ATTEMPTS} times ({how}); look at "
            "their pictures, or give it more memory",
            path=self._job.source,
        )

    def _take(self) -> CleanerProcess | None:
        with self._lock:
            if self._closed:
                return None
            while self._idle and self._idle[-1].has_ended:  # killed while it waited: no batch is to blame
                self._idle.pop().end()
            cleaner = self._idle.pop() if self._idle else CleanerProcess(self._job.settings)
            self._busy.add(cleaner)
            return cleaner

    def _give_back(self, cleaner: CleanerProcess) -> None:
        with self._lock:
            self._busy.discard(cleaner)
            if not self._closed:
                self._idle.append(cleaner)

    def _give_up(self, cleaner: CleanerProcess) -> None:
        with self._lock:
            self._busy.discard(cleaner)
        cleaner.end()


_crews: dict[str, Crew] = {}  # of this process; one on a machine of a cluster
_crews_lock = threading.Lock()


class HiredCrew:
    """The crew of a job in this process, which `answer_here` finds; gone with the context."""

    def __init__(self, job: Job) -> None:
        self._token, self._crew = job.token, Crew(job)

    def __enter__(self) -> Crew:
        with _crews_lock:
            _crews[self._token] = self._crew
        return self._crew.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._crew.close()
        with _crews_lock:
            _crews.pop(self._token, None)


def answer_here(job: Job, parcel: bytes) -> bytes:
    """What became of a packed batch, cleaned by this machine's crew.

    A machine of a cluster hires it when the first batch comes, keeps it between batches, and lets it go when
    batches of another job come; its processes end with the one that started them.
    """
    with _crews_lock:
        crew = _crews.get(job.token)
        if crew is None:
            for token in list(_crews):
                _crews.pop(token).close()
            crew = _crews[job.token] = Crew(job).__enter__()
    return crew.answer(parcel)
