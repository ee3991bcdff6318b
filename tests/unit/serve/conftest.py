"""A service over an engine that remembers what was asked of it."""

from __future__ import annotations

import pytest
from fakeshop import FakeEngine
from fastapi.testclient import TestClient

from eclip.serve.app import create_app
from eclip.serve.desk import Desk
from eclip.serve.live import Live, Snapshot


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def desk(engine):
    made = Desk(live=Live(Snapshot(engine=engine)))
    yield made
    made.close()


@pytest.fixture
def client(desk):
    return TestClient(create_app(desk))


@pytest.fixture
def anyio_backend():
    return "asyncio"
