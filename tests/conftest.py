"""What every test run needs before anything is imported, and what stands in for object storage and for a cluster."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from eclip.products.store import Store

# As the command line does: threads that wait by spinning stall a machine that does anything else beside.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Test processes side by side share the processors, and so do the commands that they start.
side_by_side = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if side_by_side > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // side_by_side)))


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """48 products, no two of one catalog, title or picture; read it, change nothing in it."""
    import numpy as np
    from PIL import Image

    from eclip.products.prepare import prepare_store
    from eclip.products.store import Store

    folder = tmp_path_factory.mktemp("small-store")
    lines = []
    for row in range(48):
        pixels = np.random.default_rng(row).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{row}.png")
        lines.append(f"{row},Product number {row} of {row * 7},{row}.png\n")
    (folder / "feed.csv").write_text("id,title,image\n" + "".join(lines))
    prepare_store(folder / "feed.csv", folder / "store", images=None, columns="", category_separator=None)
    return Store.open(folder / "store")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """Ray on this machine as `--runner ray` starts it, one for all tests: it takes some seconds to start."""
    from eclip.products.crew.runners import workplace

    with workplace("ray"):
        import ray

        yield ray


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Address of a local S3 server, one a test session."""
    server_module = pytest.importorskip("moto.server", reason="moto stands in for S3")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Name of a new bucket there; the environment leads to it, and caches lie in the test's own folder."""
    import boto3

    for name, value in (
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", s3_server),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("XDG_CACHE_HOME", str(tmp_path / "caches")),
    ):
        monkeypatch.setenv(name, value)
    name = f"shop-{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name
