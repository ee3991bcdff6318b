"""`eclip serve` in a process of its own, for whoever loads it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORDS = (
    *("red", "blue", "black", "white", "linen", "cotton", "steel", "small", "large", "summer"),
    *("shirt", "dress", "shoes", "bag", "kettle", "lamp", "chair", "phone", "watch"),
)


@dataclass(frozen=True)
class Service:
    """A service that runs."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def num_resident_megabytes(self) -> float:
        """Memory that it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def metric(self, name: str) -> dict[str, float]:
        """A metric by its labels."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        found = [re.fullmatch(re.escape(name) + r"(\{.*\})? ([0-9.e+-]+)", line) for line in lines]
        return {each[1] or "": float(each[2]) for each in found if each}

    def logged(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def logged_seconds(self, route: str) -> list[float]:
        """What the accepted requests of a route took inside."""
        return [line["seconds"] for line in self.logged() if line.get("route") == route and line["status"] == 200]

    def bugs(self) -> list[str]:
        """The ends of tracebacks in the log."""
        return [line["traceback"][-600:] for line in self.logged() if "traceback" in line]


@contextmanager
def service(
    store: str | Path,
    model: Path,
    log: Path,
    *,
    options: Sequence[str] = ("--port", "0"),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """Start one over a store and a model on a free port; end it by SIGTERM, also when the caller is told to end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    command = [sys.executable, "-m", "eclip", "serve", str(store), "--model", str(model), *options]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            text=True,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    try:
        yield Service(process, _address(process, log), log)
    finally:
        process.terminate()
        process.wait(60)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _address(process: subprocess.Popen[str], log: Path) -> str:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"http://\S+(?=/ )", log.read_text())
        if found:
            return found[0]
        time.sleep(0.2)
    raise SystemExit(f"the service did not start:\n{log.read_text()[-2000:]}")
