"""One Ray cluster on this machine for all tests of a run: it takes some seconds to start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from eclip.products.crew.runners import workplace


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """Ray, started as `--runner ray` starts it; who asks for it meanwhile joins it."""
    with workplace("ray"):
        import ray

        yield ray
