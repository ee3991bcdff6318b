"""Commands as real processes that need no seconds to load libraries: forked from one that has loaded them and idles.

A drill starts hundreds of commands, each of which would spend most of its time on imports, where a kill finds nothing
to break. The process that forks has called nothing of what it has loaded (no threads, no Lance, no Daft); what it
forks has a session of its own and ends as any other process does.

    python -m benchmarks.drills.warm FD     # what `start` begins by itself
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn, TextIO

LOADED = (
    "eclip.cli",
    "eclip.embed.job",
    "eclip.inference.opening",
    "eclip.products.prepare",
    "eclip.products.update",
    "eclip.search.building",
    "eclip.tasks.enrich.job",
    "eclip.tasks.fit",
    "eclip.train.trainer",
)
_MESSAGE_BYTES = 1 << 16


@dataclass
class Command:
    """A command that runs, or ran.

    Attributes:
        pid: Its process, which leads a session.
        stderr: What it says; ends when it ends.
    """

    pid: int
    stderr: TextIO
    _channel: socket.socket
    _status: int | None = None

    def wait(self) -> int:
        """Its status, as `subprocess` tells it: below 0 = the signal that ended it."""
        if self._status is None:
            self._status = int(json.loads(self._channel.recv(_MESSAGE_BYTES)))
        return self._status

    def communicate(self, timeout_seconds: float) -> tuple[int, str]:
        """Wait for its end: its status, and the rest of what it said; it is killed when that takes too long."""
        alarm = threading.Timer(timeout_seconds, self.stop, [signal.SIGKILL])
        alarm.start()
        try:
            with self.stderr:
                said = self.stderr.read()
            return self.wait(), said
        finally:
            alarm.cancel()

    def stop(self, by: signal.Signals) -> None:
        """Send the signal to all of its session, unless it has ended."""
        if self._status is None:
            try:
                os.killpg(self.pid, by)
            except ProcessLookupError:
                return


def start(words: Sequence[str], *, watch: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> Command:
    """Start `eclip WORDS`; one at a time.

    Args:
        words: Of its command line.
        watch: Folder whose steps on the disk are told, and the step before which the process kills itself.
        environment: More of it.
    """
    channel = _forking_process()
    reading, writing = os.pipe()
    asked = {"words": list(words), "watch": list(watch), "environment": dict(environment or {})}
    socket.send_fds(channel, [json.dumps(asked).encode()], [writing])
    os.close(writing)
    pid = int(json.loads(channel.recv(_MESSAGE_BYTES)))
    return Command(pid, os.fdopen(reading, encoding="utf-8", errors="replace"), channel)


@lru_cache(maxsize=1)
def _forking_process() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "benchmarks.drills.warm", str(theirs.fileno())]
    subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)
    theirs.close()
    return ours


def main(fd: int) -> None:
    """Load, then fork for each message: tell the child's pid, and when it has ended its status."""
    channel = socket.socket(fileno=fd)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it, and so would ours
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does, before torch is there
    for name in LOADED:
        __import__(name)
    while True:
        message, fds, _, _ = socket.recv_fds(channel, _MESSAGE_BYTES, 1)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            channel.close()
            _become(json.loads(message), fds[0])
        os.close(fds[0])
        channel.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        with suppress(BrokenPipeError):  # the drill has ended meanwhile
            channel.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(asked: dict[str, Any], said: int) -> NoReturn:
    """Be the command."""
    from benchmarks.drills.moments import watch_steps

    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    os.dup2(said, 2)
    os.close(said)
    os.environ.update(asked["environment"])
    if asked["watch"]:
        watch_steps(*asked["watch"])
    sys.argv = ["eclip", *asked["words"]]
    from eclip.__main__ import main as run

    sys.exit(run())


if __name__ == "__main__":
    main(int(sys.argv[1]))
