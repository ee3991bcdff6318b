"""One process that cleans batches: started by its own command line, spoken to over pipes.

Not `multiprocessing`: that would run a user's script again in each process (unless it has the usual guard), and
leave processes behind where the parent is killed. This one ends when its pipe does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import subprocess
import sys
from typing import IO

_LENGTH = struct.Struct(">Q")
_COMMAND = "from eclip.products.crew.cleaner import serve; serve()"
_END_SECONDS = 5.0


class CleanerDiedError(Exception):
    """The process ended before it answered; the text says how."""


class CleanerProcess:
    """A process that cleans one batch at a time.

    Args:
        settings: What `work.pack_settings` gave.
    """

    def __init__(self, settings: bytes) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(  # nosec B603
            [sys.executable, "-P", "-c", _COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
            process_group=0,  # Ctrl-C is the parent's, from the first moment on: it ends this process
        )
        self._first: bytes | None = settings

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it can't be asked any more."""
        return self._process.poll() is not None

    def clean(self, parcel: bytes) -> bytes:
        """Send a batch and wait for what became of it.

        Raises:
            CleanerDiedError: The process ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            if self._first is not None:
                _write(self._process.stdin, self._first)
                self._first = None
            _write(self._process.stdin, parcel)
            answer = _read(self._process.stdout)
        except (OSError, ValueError):  # the pipe is broken, or was closed by `end`
            answer = None
        if answer is None:
            raise CleanerDiedError(self._how_it_ended())
        return answer

    def end(self) -> None:
        """End the process at once; a batch that it is at is lost."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what waits to be sent has no reader
                    pipe.close()

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return "its pipe broke"
        if status == -signal.SIGKILL:
            return "killed; memory may have run out"
        return f"signal {-status}" if status < 0 else f"exit status {status}"


def _write(pipe: IO[bytes], parcel: bytes) -> None:
    pipe.write(_LENGTH.pack(len(parcel)))
    pipe.write(parcel)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes | None:
    """The next parcel; None where the other side has gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    parcel = pipe.read(length)
    return parcel if len(parcel) == length else None


def serve() -> None:
    """The process itself: settings, then batches on stdin, answers on stdout, until stdin ends."""
    from eclip.products.crew.work import BatchCleaner

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no answer
    settings = _read(sys.stdin.buffer)
    if settings is None:
        return
    with BatchCleaner.from_settings(settings) as cleaner:
        while (parcel := _read(sys.stdin.buffer)) is not None:
            try:
                _write(answers, cleaner.answer(parcel))
            except BrokenPipeError:
                return
