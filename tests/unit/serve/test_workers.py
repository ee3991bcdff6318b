from __future__ import annotations

import asyncio
import threading
import time

import pytest
from fakeshop import asking, fault

from eclip.serve.app import create_app
from eclip.serve.desk import Desk
from eclip.serve.workers import BusyError, Workers


def workers(**other) -> Workers:
    return Workers("test", **({"num_threads": 1, "max_waiting": 1, "patience_seconds": 5.0} | other))


@pytest.mark.anyio
async def test_work_is_done_and_its_faults_come_back():
    some = workers()
    assert await some.run(lambda: 7) == 7
    with pytest.raises(KeyError):
        await some.run(lambda: {}["x"])
    assert await some.run(threading.get_ident) != threading.get_ident()
    some.close()
    with pytest.raises(BusyError):
        await some.run(lambda: 1)


@pytest.mark.anyio
async def test_what_finds_the_queue_full_is_turned_away_at_once():
    some, go = workers(), threading.Event()
    accepted = [asyncio.create_task(some.run(go.wait)) for _ in range(2)]
    await asyncio.sleep(0.05)
    assert some.num_waiting() == 1
    with pytest.raises(BusyError):
        await some.run(lambda: 1)
    go.set()
    assert await asyncio.gather(*accepted) == [True, True]
    assert some.num_waiting() == 0
    assert await some.run(lambda: 1) == 1
    some.close()


@pytest.mark.anyio
async def test_what_has_waited_too_long_is_not_begun():
    some, done = workers(patience_seconds=0.05), []
    slow = asyncio.create_task(some.run(lambda: time.sleep(0.2)))
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await some.run(lambda: done.append(1))
    await slow
    assert done == []
    some.close()


@pytest.mark.anyio
async def test_who_goes_away_leaves_no_place_taken():
    some, go = workers(), threading.Event()
    for _ in range(2):
        gone = asyncio.create_task(some.run(go.wait))
        await asyncio.sleep(0.02)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
    go.set()
    for _ in range(5):
        assert await some.run(lambda: 1) == 1
    some.close()


@pytest.mark.anyio
async def test_a_full_service_answers_503_and_no_wrong_answer(engine, desk):
    """Twice as many at once as it takes: each gets its own answer or a clear no, and later all go well."""
    search, go = engine.search, threading.Event()
    engine.search = lambda query: (go.wait(10), search(query))[1]
    small = Desk(live=desk.live, answers=workers(num_threads=2, max_waiting=6))
    async with asking(create_app(small)) as client:
        asked = [asyncio.create_task(client.get("/search", params={"q": f"shirt {i}"})) for i in range(24)]
        while sum(each.done() for each in asked) < 16:
            await asyncio.sleep(0.01)
        go.set()
        answers = await asyncio.gather(*asked)
        assert [answer.status_code for answer in answers].count(200) == 8
        for answer in answers:
            if answer.status_code == 503:
                assert "too many" in fault(answer, 503)
                assert answer.headers["retry-after"] == "1"
        assert len(engine.asked) == 8
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/search", params={"q": "shirt"})).status_code == 200
    small.close()
