"""What the service adds: a text query through `eclip serve`, against encoding it and the bare index call, in one run.

Mark: the p95 of the whole at most 5 times the p95 of the two calls.

    python -m benchmarks.serve.overhead STORE MODEL
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
from benchmarks.serve.load import queries
from benchmarks.serve.shopservice import service

from eclip.model.folder import load_model
from eclip.products.store import Store
from eclip.search.engine import SearchEngine
from eclip.search.query import Query

TOP_K = 24


def timed(work: Callable[[str], object], texts: list[str]) -> np.ndarray:
    """Milliseconds of each call."""
    taken = []
    for text in texts:
        started = time.perf_counter()
        work(text)
        taken.append(1000 * (time.perf_counter() - started))
    return np.array(taken)


def main() -> None:
    """Ask the same queries in both ways, in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    engine = SearchEngine(Store.open(options.store), load_model(options.model))
    rows: dict[str, list[np.ndarray]] = {"encode + index": [], "engine": [], "service": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        service(options.store, options.model, Path(folder) / "log") as running,
        httpx.Client(base_url=running.url) as client,
    ):

        def bare(text: str) -> None:
            vector = engine.encode_query(text, None)
            engine.search_encoded(Query(text=text, top_k=TOP_K, ranking="vectors"), vector)

        def whole(text: str) -> None:
            client.get("/search", params={"q": text, "top_k": TOP_K, "ranking": "vectors"}).raise_for_status()

        ways = {
            "encode + index": bare,
            "engine": lambda text: engine.search(Query(text=text, top_k=TOP_K)),
            "service": whole,
        }
        for name in ways:  # once for what is made at first use
            timed(ways[name], queries(20, 0))
        for number in range(options.rounds):
            for name, way in ways.items():
                rows[name].append(timed(way, queries(options.queries, number + 1)))
    print("milliseconds".ljust(16), "p50", "p95", "p99", sep="\t")
    points = {name: np.percentile(np.concatenate(taken), [50, 95, 99]) for name, taken in rows.items()}
    for name, (p50, p95, p99) in points.items():
        print(f"{name:16}\t{p50:.2f}\t{p95:.2f}\t{p99:.2f}")
    ratio = points["service"][1] / points["encode + index"][1]
    print(f"service / (encode + index), p95: {ratio:.2f} (at most 5)")
    raise SystemExit(ratio > 5)


if __name__ == "__main__":
    main()
