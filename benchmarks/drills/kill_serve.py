"""Kill drill of the service: `eclip serve` is killed while it answers and takes corrections; a restart must serve.

Clients ask one search after the other, a person posts one correction after the other; at a random time the process is
killed (-9). Every answer that had come must be the engine's own, every correction that was acknowledged must be in
the store, and no other may be there but the one that was under way. The same command again must be ready, answer as
before and take corrections.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from benchmarks.drills.jobs import Shop
from benchmarks.drills.outcome import Outcome
from benchmarks.drills.place import Asked
from benchmarks.serve.load import Expected, ask, expected_answers, queries
from benchmarks.serve.load import Outcome as Answers
from benchmarks.serve.shopservice import Service, service

from eclip.products.store import Store

KILLS, CLIENTS = 14, 4
FIRST_SECONDS = 60  # until the first answer and the first correction at most
OPTIONS = ("--port", "0", "--allow-corrections", "--backend", "torch")
FIELD = "attributes.drill"


def drills(asked: Asked) -> list[Outcome]:
    """Kill the service so many times, each time over the store that the last one left."""
    outcome = Outcome("kill", "`serve`: kill -9 while it answers and takes corrections")
    folder, draw = asked.fresh("serve"), random.Random(asked.seed)
    store = begin(asked.shop, folder)
    expected = expected_answers(store, asked.shop.model, queries(6, asked.seed))
    num_answers, acknowledged, begun = 0, list[str](), list[str]()
    for number in range(asked.times(KILLS)):
        after = draw.uniform(0.05, 4.0)
        with service(store, asked.shop.model, folder / "serve.log", options=OPTIONS) as running:
            answers, posted = asyncio.run(loaded(running, expected, store, seconds=after, number=number))
            faults = [*answers.wrong, *running.bugs()]
        acknowledged += posted[:-1]
        begun += posted
        num_answers += len(answers.seconds)
        faults += correction_faults(store, acknowledged, begun)
        told = f"SIGKILL after {after:.2f} s, {len(answers.seconds)} answers, {len(posted) - 1} corrections"
        outcome.tell(told, faults, "killed")
    with service(store, asked.shop.model, folder / "serve.log", options=OPTIONS) as running:
        faults = asyncio.run(restarted(running, expected, store))
    outcome.faults += faults
    outcome.note = f"{num_answers} answers, {len(acknowledged)} corrections acknowledged"
    return [outcome]


def begin(shop: Shop, folder: Path) -> Path:
    """A copy of the store with vectors, to be corrected."""
    return Path(shutil.copytree(shop.embedded, folder / "store"))


async def loaded(
    running: Service, expected: Expected, store: Path, *, seconds: float, number: int
) -> tuple[Answers, list[str]]:
    """Searches and corrections until the kill: what came back, the corrections acknowledged and the one under way."""
    answers, texts, ids = Answers(), list(expected), product_ids(store)
    ended = asyncio.Event()

    async def searching(client: int) -> None:
        draw = random.Random(client)
        while not ended.is_set():
            await ask(running.url, draw.choice(texts), expected, answers)

    posted = [f"{number}-0"]

    async def correcting() -> None:
        while await asyncio.to_thread(correct, running.url, ids[len(posted) % len(ids)], posted[-1]):
            posted.append(f"{number}-{len(posted)}")

    clients = [asyncio.create_task(searching(client)) for client in range(CLIENTS)]
    person = asyncio.create_task(correcting())
    until = time.monotonic() + FIRST_SECONDS
    while (not answers.seconds or len(posted) == 1) and time.monotonic() < until and not person.done():
        await asyncio.sleep(0.02)
    await asyncio.sleep(seconds)
    running.process.send_signal(signal.SIGKILL)
    running.process.wait()
    ended.set()
    await asyncio.gather(person, *clients)
    return answers, posted


async def restarted(running: Service, expected: Expected, store: Path) -> list[str]:
    """What is wrong with a service that was started again: ready, every query answered, a correction taken."""
    answers = Answers()
    with urllib.request.urlopen(f"{running.url}/readyz", timeout=60) as answer:
        ready = json.load(answer)
    for query in expected:
        await ask(running.url, query, expected, answers)
    faults = [*answers.wrong, *running.bugs()]
    if len(answers.seconds) != len(expected):
        faults.append(f"after the restart: {dict(answers.kinds)}")
    if ready["status"] != "ready" or not correct(running.url, product_ids(store)[0], "last"):
        faults.append(f"after the restart: {ready}, or no correction is taken")
    return faults


def correct(url: str, product_id: str, value: str) -> bool:
    """Post a correction; whether it was acknowledged."""
    body = json.dumps({"product_id": product_id, "field": FIELD, "value": value}).encode()
    request = urllib.request.Request(f"{url}/corrections", body, {"Content-Type": "application/json"})
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return bool(answer.status == 201)
        except urllib.error.HTTPError as fault:
            if fault.code != 503:
                raise
            time.sleep(0.1)
        except OSError:
            return False


def correction_faults(store: Path, acknowledged: Sequence[str], begun: Sequence[str]) -> list[str]:
    """Which acknowledged corrections are lost, and which are there that nobody began."""
    there = Store.open(store).corrections()["value"].to_pylist()
    lost = [f"correction {value} is lost" for value in acknowledged if value not in there]
    return lost + [f"correction {value} was never made" for value in there if value not in begun]


def product_ids(store: Path) -> list[str]:
    """Of the store."""
    return list(Store.open(store).table(["product_id"])["product_id"].to_pylist())
