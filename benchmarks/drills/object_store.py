"""Drill of object storage: a server that answers 500, loses answers, is slow, and is out of order for a while.

A store at s3:// is prepared, updated and embedded through a proxy that does this to moto's server. A command may get
by, or end with status 2 and one clear line; then the store must be what it was or what it was to be, and the same
command again must finish at last. What is there in the end must be what the same commands leave in a folder.
"""

from __future__ import annotations

import importlib.util
import random
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.drills.faulty_proxy import Faults
from benchmarks.drills.jobs import LONGEST_SECONDS, Shop, done
from benchmarks.drills.outcome import Outcome
from benchmarks.drills.place import Asked
from benchmarks.drills.states import State, content, state_of_store
from benchmarks.drills.storage import BUCKET, Storage, object_storage
from benchmarks.drills.warm import start

TIMES, MOST_TRIES = 5, 8
BUSY = Faults(errors=0.05, lost=0.03, slow=0.1, slow_seconds=0.5)
OUTAGE_WITHIN = 60  # requests
END_SECONDS = 150  # of a command that gets no answer any more: three tries each of what it asks for, then it says so


def drills(asked: Asked) -> list[Outcome]:
    """Both kinds of faults, so many times each."""
    busy = Outcome("object-store", "a store at s3:// whose server answers 500 or not at all (8%) and slowly (10%)")
    outage = Outcome("object-store", "a store at s3:// whose server answers nothing but 500 from a request on")
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("boto3") is None:
        busy.skipped = outage.skipped = "no moto (pip install -e '.[dev]')"
        return [busy, outage]
    folder, draw = asked.fresh("object-store"), random.Random(asked.seed)
    states = twin_states(asked.shop, folder / "store")
    with object_storage(folder / "caches") as storage:
        for number in range(1 if asked.is_small else TIMES):
            run = Drilled(storage, asked.shop, folder, states, f"s3://{BUCKET}/{number}/store")
            for step in range(len(states) - 1):
                run.step(step, replace(BUSY, seed=draw.randrange(1 << 30)), busy)
            run = Drilled(storage, asked.shop, folder, states, f"s3://{BUCKET}/outage-{number}/store")
            for step in range(len(states) - 1):
                run.step(step, Faults(outage_after=draw.randrange(3, OUTAGE_WITHIN)), outage)
    return [busy, outage]


def commands(shop: Shop, store: str) -> list[list[str]]:
    """What is done to the store, one after the other."""
    return [
        ["prepare", str(shop.feed), "--store", store],
        ["prepare", str(shop.next_feed), "--store", store, "--update"],
        ["embed", store, "--model", str(shop.model), "--backend", "torch"],
    ]


def twin_states(shop: Shop, store: Path) -> list[State]:
    """What the commands leave in a folder, from nothing on."""
    states: list[State] = [{}]
    for words in commands(shop, str(store)):
        done(*words)
        states.append(content(state_of_store(store)))
    return states


class Drilled:
    """One store at s3:// and what is done to it.

    Args:
        storage: Where it lies.
        shop: Feeds and model.
        folder: To work in.
        states: What is expected before and after each command.
        address: Its own.
    """

    def __init__(self, storage: Storage, shop: Shop, folder: Path, states: list[State], address: str) -> None:
        self._storage, self._states, self._address = storage, states, address
        self._commands = commands(shop, address)
        self._environment = storage.environment(folder / "caches", by_proxy=True)

    def step(self, step: int, faults: Faults, outcome: Outcome) -> None:
        """Do one command under faults until it finishes; an outage ends before the second try."""
        wrong, tries, befell, longest = [], 0, "", 0.0
        while tries < MOST_TRIES:
            self._storage.put(faults)
            began = time.monotonic()
            status, said = start(self._commands[step], environment=self._environment).communicate(LONGEST_SECONDS)
            longest, tries = max(longest, time.monotonic() - began), tries + 1
            befell = befell or str(self._storage.put(Faults()))
            found = content(state_of_store(self._address))
            if status == 0:
                break
            last = said.splitlines()[-1] if said else ""
            if status != 2 or not last.startswith("eclip: ") or "Traceback" in said:
                wrong.append(f"status {status}, last line {last[:300]!r}")
            if found not in self._states[step : step + 2]:
                wrong.append("the store is neither old nor new")
            faults = Faults() if faults.outage_after is not None else replace(faults, seed=faults.seed + 1)
        if status or found != self._states[step + 1]:
            wrong.append(f"after {tries} tries it is not what a folder would hold ({said[-200:]!r})")
        if longest > END_SECONDS:
            wrong.append(f"one try took {longest:.0f} s")
        outcome.tell(f"{self._commands[step][0]}, {tries} tries, {longest:.0f} s, {befell}", wrong)
