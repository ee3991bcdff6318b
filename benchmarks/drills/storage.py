"""A server that stands in for S3, in a process of its own, and the faulty proxy before it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.drills.faulty_proxy import Faults
from benchmarks.serve.shopservice import free_port

BUCKET = "drill"
_START_SECONDS = 120


@dataclass(frozen=True)
class Storage:
    """Where the server listens, and the proxy."""

    server: str
    proxy: str

    def environment(self, caches: Path, *, by_proxy: bool) -> dict[str, str]:
        """What leads commands there."""
        return {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": self.proxy if by_proxy else self.server,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "XDG_CACHE_HOME": str(caches),
        }

    def put(self, faults: Faults) -> dict[str, int]:
        """Say what befalls requests from now on; returns what befell them until now."""
        request = urllib.request.Request(f"{self.proxy}/faults", json.dumps(asdict(faults)).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.load(answer))


@contextmanager
def object_storage(caches: Path) -> Iterator[Storage]:
    """Both, with an empty bucket; this process' own environment leads to the server, past the proxy."""
    ports = free_port(), free_port()
    with _serving(["moto.server", "-H", "127.0.0.1", "-p", str(ports[0])], ports[0]):
        proxy = ["benchmarks.drills.faulty_proxy", str(ports[1]), str(ports[0])]
        with _serving(proxy, ports[1]):
            storage = Storage(f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}")
            storage.put(Faults())
            os.environ.update(storage.environment(caches, by_proxy=False))
            import boto3

            boto3.client("s3").create_bucket(Bucket=BUCKET)
            yield storage


@contextmanager
def _serving(words: Sequence[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for_port(port, process)
        yield
    finally:
        process.kill()
        process.wait()


def wait_for_port(port: int, process: subprocess.Popen) -> None:
    """Wait until somebody listens.

    Raises:
        SystemExit: The process has ended, or nobody listens after minutes.
    """
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nobody listens on port {port}: {process.args}")
