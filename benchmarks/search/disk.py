"""Nearest vectors on disk: the index of `eclip index --kind disk`, with and without filters.

    python -m benchmarks.search.disk --rows 1000000 --out FOLDER
    python -m benchmarks.search.disk --rows 50000 --queries 200 --out FOLDER

One query a call, one after the other, as a service asks; the same drawn vectors as `vectors.py`. The files lie in the
system's page cache where it has room for them. The peer is Lance's IVF_PQ and its refining, set to the same recall.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

import numpy as np
from benchmarks.search.drawn_vectors import drawn_vectors
from benchmarks.search.vectors import DIM, RECALL, TOP_K, Answer, filters, race

from eclip.products.dataset import open_dataset
from eclip.search.disk import DiskIndex
from eclip.search.recall import Truth


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3, help="ours and the peer take turns; the best round counts")
    parser.add_argument("--without-peer", action="store_true")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the files; what is in it goes")
    given = parser.parse_args()
    shutil.rmtree(given.out, ignore_errors=True)
    given.out.mkdir(parents=True)
    drawn = drawn_vectors(given.rows + given.queries + 300, dim=DIM, seed=0)
    matrix, queries = drawn[: given.rows], drawn[given.rows : -300]
    tuning, asked = Truth(matrix, drawn[-300:]), Truth(matrix, queries)

    address = given.out / "products.lance"
    started = time.perf_counter()
    index = DiskIndex.build(str(address), matrix, tuning)
    num_bytes = sum(file.stat().st_size for file in address.rglob("*") if file.is_file())
    print(
        f"eclip: built in {time.perf_counter() - started:.0f} s, {num_bytes / 1e6:,.0f} MB, looks into {index.effort}",
        flush=True,
    )
    everything = index.allow(None)
    racers: dict[str, tuple[Answer, Truth]] = {
        "eclip": (lambda query: index.nearest(query, num_rows=TOP_K, allowed=everything)[0], asked)
    }
    if not given.without_peer:
        racers["Lance IVF_PQ"] = (peer(given.out / "peer.lance", address, tuning), asked)
    race(racers, 1, given.rounds)
    for name, mask in filters(matrix):
        some = Truth(matrix, queries[:300], mask)
        started = time.perf_counter()
        chosen = index.allow(mask)
        print(f"{name}: {(time.perf_counter() - started) * 1e3:.1f} ms once to prepare it", flush=True)
        answer: Answer = lambda query, chosen=chosen: index.nearest(query, num_rows=TOP_K, allowed=chosen)[0]  # noqa: E731
        race({f"eclip, {name}": (answer, some)}, 1, given.rounds)


def peer(address: Path, ours: Path, tuning: Truth) -> Answer:
    """Lance's product quantisation over the same rows, at the least effort that reaches the wanted recall."""
    import lance

    started = time.perf_counter()
    lance.write_dataset(open_dataset(ours).to_table(), str(address))
    dataset = open_dataset(address)
    dataset.create_index(
        "vector",
        "IVF_PQ",
        metric="cosine",
        num_partitions=max(1, int(np.sqrt(dataset.count_rows()))),
        num_sub_vectors=DIM // 4,
    )
    print(f"Lance IVF_PQ: built in {time.perf_counter() - started:.0f} s", flush=True)
    for probes in (4, 8, 12, 16, 24, 32, 48, 64, 96, 128):

        def answer(query: np.ndarray, probes: int = probes) -> np.ndarray:
            nearest = {"column": "vector", "q": query, "k": TOP_K, "nprobes": probes, "refine_factor": 4}
            found = dataset.scanner(columns=["entry", "_distance"], nearest=nearest).to_table()
            return found["entry"].to_numpy().astype(np.int64)

        if tuning.recall([answer(query) for query in tuning.queries]) >= RECALL:
            break
    print(f"    probes {probes}")
    return answer


if __name__ == "__main__":
    main()
