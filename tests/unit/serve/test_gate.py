from __future__ import annotations

import asyncio
import threading

import pytest
from fakeshop import asking, fault

from eclip.serve.app import create_app
from eclip.serve.limits import ANSWER_THREADS, WAITING_ANSWERS


@pytest.mark.anyio
async def test_a_flood_is_turned_away_at_the_door(engine, desk):
    """Before the address is read: what is refused costs next to nothing."""
    search, go = engine.search, threading.Event()
    engine.search = lambda query: (go.wait(10), search(query))[1]
    most = ANSWER_THREADS + WAITING_ANSWERS
    async with asking(create_app(desk)) as client:
        inside = [asyncio.create_task(client.get("/search", params={"q": "a"})) for _ in range(most)]
        await asyncio.sleep(0.3)
        refused = await client.get("/search", params={"top_k": "nonsense"})
        assert "too many" in fault(refused, 503)
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["x-request-id"]
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/products/png/image")).status_code == 200
        go.set()
        answers = await asyncio.gather(*inside)
        assert {answer.status_code for answer in answers} == {200}
        fault(await client.get("/search", params={"top_k": "nonsense"}), 422)
        assert 'route="turned away",status="503"} 1.0' in (await client.get("/metrics")).text
