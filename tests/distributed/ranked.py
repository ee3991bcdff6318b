"""Processes on this machine that train together, as torchrun would start them, with a bound on everything they do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence

SECONDS = 240  # a hanging collective must not hang the tests


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_ranks(arguments: Sequence[str], world_size: int) -> list[subprocess.Popen[str]]:
    """Start `python ARGUMENTS` once for each rank, as torchrun would."""
    port = str(free_port())
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(world_size), "OMP_NUM_THREADS": "1"}
    return [
        subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for rank in range(world_size)
    ]


def finish(processes: Sequence[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    """Exit status and what each said, within the bound."""
    ended = []
    try:
        for process in processes:
            output, errors = process.communicate(timeout=SECONDS)
            ended.append((process.returncode, output + errors))
    finally:
        for process in processes:
            process.kill()
    return ended
