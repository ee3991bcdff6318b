"""Fault drills: faults put on real commands at many moments, and what became of them.

    python -m benchmarks.drills [NAME ...] [--small] [--out drills] [--work DIR]

Without names all of them are done, with more than a hundred kills; --small does each a few times. Every drill can be
run alone: its outcome is put beside those of the others in OUT/drills.json and the table OUT/drills.md. What this
machine lacks (root, nginx, libfaketime, Ray) is skipped with the reason. Exits 1 when anything was wrong.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

from benchmarks.drills.jobs import Shop
from benchmarks.drills.outcome import Outcome, keep, table
from benchmarks.drills.place import Asked

# How often each command is killed in the full run.
KILLS = {"prepare": 14, "replace": 10, "update": 14, "remove": 8, "daily": 10}
KILLS |= {"embed": 14, "fit": 14, "index": 10, "enrich": 14}
MODULES = {
    "kill-train": "kill_train",
    "kill-serve": "kill_serve",
    "disk": "full_disk",
    "clock": "clock",
    "object-store": "object_store",
    "hanging-rank": "hanging_rank",
    "ranks": "ranks",
    "namespaces": "namespaces",
    "ray": "ray_worker",
    "replicas": "replicas",
}
NAMES = (*(f"kill-{name}" for name in KILLS), *MODULES)


def run(name: str, asked: Asked) -> list[Outcome]:
    """Do one drill."""
    if name in MODULES:
        return list(import_module(f"benchmarks.drills.{MODULES[name]}").drills(asked))
    from benchmarks.drills.kill_commands import drill

    job = name.removeprefix("kill-")
    return [drill(job, asked.work, asked.shop, moments=asked.times(KILLS[job]), seed=asked.seed)]


def main() -> int:
    """Do the drills that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; default: all")
    parser.add_argument("--small", action="store_true", help="each a few times")
    parser.add_argument("--out", type=Path, default=Path("drills"), help="folder of the table")
    parser.add_argument("--work", type=Path, help="folder to work in, kept: the shop in it is made once")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    unknown = sorted(set(asked.names) - set(NAMES))
    if unknown:
        parser.error(f"no drill {unknown[0]!r}; there are {', '.join(NAMES)}")
    found: list[Outcome] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers that were started are ended, mounts undone
    with ExitStack() as stack:
        work = asked.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eclip-drill-")))
        place = Asked(work=work.absolute(), shop=Shop(work.absolute() / "shop"), is_small=asked.small, seed=asked.seed)
        for name in asked.names or NAMES:
            print(f"== {name}", flush=True)
            started = time.monotonic()
            outcomes = run(name, place)
            for outcome in outcomes:
                outcome.drill = name
            keep(outcomes, asked.out, started=started)
            found += outcomes
    print(f"\n{table(found)}\nAll that were run so far: {asked.out}/drills.md")
    return 1 if any(outcome.faults for outcome in found) else 0


if __name__ == "__main__":
    sys.exit(main())
