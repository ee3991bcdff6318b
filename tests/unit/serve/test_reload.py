from __future__ import annotations

import asyncio
import threading
import time

import pytest
from fakeshop import FakeEngine, asking

from eclip.errors import StoreError
from eclip.serve.app import create_app
from eclip.serve.desk import Desk
from eclip.serve.live import Live, Snapshot
from eclip.serve.metrics import Metrics
from eclip.serve.reload import ReloadLoop


class FakeSource:
    """A version that tests set; opening it takes a while, or fails."""

    def __init__(self) -> None:
        self.version, self.broken, self.seconds, self.num_opened = "v1", False, 0.0, 0

    def fingerprint(self) -> str:
        if self.version == "unreachable":
            raise StoreError("the server does not answer")
        return self.version

    def open(self, before):
        self.num_opened += 1
        time.sleep(self.seconds)
        if self.broken:
            raise StoreError("no vectors of this model")
        return Snapshot(engine=FakeEngine(self.version))


@pytest.fixture
def source():
    return FakeSource()


@pytest.fixture
def live(source):
    return Live.of(source)


def served(live: Live) -> str:
    return live.current.engine.version


def test_a_newer_version_takes_the_place_of_the_old_one(source, live):
    told = []
    live.on_change.append(lambda snapshot: told.append(snapshot.engine.version))
    assert not live.refresh()
    source.version = "v2"
    assert live.refresh()
    assert not live.refresh()
    assert served(live) == "v2"
    assert told == ["v2"]
    assert source.num_opened == 2


def test_a_broken_version_leaves_the_old_one_and_is_tried_again_later(source, live, caplog):
    now, metrics = [0.0], Metrics()
    loop = ReloadLoop(live, metrics, clock=lambda: now[0])
    source.version, source.broken = "v2", True
    for _ in range(3):
        loop.look()
    assert served(live) == "v1"
    assert source.num_opened == 2  # not at every look
    assert "no vectors of this model" in caplog.text
    assert 'eclip_reloads_total{result="failed"} 1.0' in metrics.text()[0].decode()
    now[0] = 61
    loop.look()
    assert source.num_opened == 3
    source.broken = False
    loop.look()
    assert served(live) == "v1"  # still within the minute
    loop.ask()
    loop.look()
    assert served(live) == "v2"
    assert 'eclip_reloads_total{result="done"} 1.0' in metrics.text()[0].decode()


def test_a_change_of_a_broken_version_is_tried_at_once(source, live):
    loop = ReloadLoop(live, Metrics())
    source.version, source.broken = "v2", True
    loop.look()
    source.version, source.broken = "v3", False
    loop.look()
    assert served(live) == "v3"


def test_a_store_that_does_not_answer_is_no_fault_of_what_is_served(source, live, caplog):
    source.version = "unreachable"
    ReloadLoop(live, Metrics()).look()
    assert served(live) == "v1"
    assert "does not answer" in caplog.text


def test_the_loop_looks_by_itself_and_when_asked(source, live):
    with ReloadLoop(live, Metrics(), poll_seconds=0.02):
        source.version = "v2"
        assert _comes(lambda: served(live) == "v2")
    with ReloadLoop(live, Metrics(), poll_seconds=60) as loop:
        source.version = "v3"
        loop.ask()
        assert _comes(lambda: served(live) == "v3")


def _comes(holds) -> bool:
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


@pytest.mark.anyio
async def test_no_request_is_lost_while_a_new_version_is_opened(source, live):
    """Asked all the while; each answer is whole and of one version, the old one until the new one is there."""
    source.seconds = 0.1
    desk = Desk(live=live)
    seen = []
    async with asking(create_app(desk)) as client:

        async def ask() -> None:
            for _ in range(20):
                response = await client.get("/search", params={"q": "shirt"})
                assert response.status_code == 200, response.text
                seen.append(response.json()["hits"][0]["title"])
                await asyncio.sleep(0.01)

        def change() -> None:
            source.version = "v2"
            live.refresh()

        thread = threading.Thread(target=change)
        asking_all = asyncio.gather(*(ask() for _ in range(4)))
        await asyncio.sleep(0.02)
        thread.start()
        await asking_all
        assert 'eclip_version_info{version="v2"} 1.0' in (await client.get("/metrics")).text
        assert 'version="v1"' not in (await client.get("/metrics")).text
    thread.join()
    desk.close()
    assert len(seen) == 80
    assert seen == sorted(seen)
    assert set(seen) == {"v1", "v2"}


def test_a_request_whose_store_was_replaced_is_answered_from_the_new_one(source, live):
    def work(snapshot):
        if snapshot.engine.version == "v1":
            raise StoreError("the files of this version are gone")
        return snapshot.engine.version

    with pytest.raises(StoreError, match="gone"):
        live.answer(work)
    source.version = "v2"
    assert live.answer(work) == "v2"


def test_a_request_whose_store_is_broken_says_the_first_fault(source, live):
    source.version, source.broken = "v2", True
    with pytest.raises(StoreError, match="gone"):
        live.answer(lambda snapshot: (_ for _ in ()).throw(StoreError("gone")))
