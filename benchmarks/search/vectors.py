"""Nearest vectors in memory: `eclip index`'s lists against faiss's float32 HNSW, in one run.

    python -m benchmarks.search.vectors --rows 1000000            # two cores: some 20 minutes, most of them the peer's
    python -m benchmarks.search.vectors --rows 50000 --queries 300

Both answer one query a call, from as many threads as `--threads`; "processor" is the time that a core worked, which
holds on a busy machine too. Both are set to a recall@10 of at least .97, measured on queries that neither was tuned on.
Vectors are drawn (`drawn_vectors.py`), queries are further ones of the same shop. Memory is what each index holds, as
written to a file. Filters select rows at random, and one that follows the data (rows near a direction, as a category).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
from benchmarks.search.drawn_vectors import drawn_vectors

from eclip.search.ivf import IvfIndex
from eclip.search.recall import Truth

DIM, TOP_K = 256, 10
SHARES = (0.5, 0.1, 0.01, 0.001)
RECALL = 0.97

Answer = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=2_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="ours and the peer take turns; the best round counts")
    parser.add_argument("--without-peer", action="store_true", help="HNSW takes long to build")
    given = parser.parse_args()
    faiss.omp_set_num_threads(given.threads)
    drawn = drawn_vectors(given.rows + given.queries + 300, dim=DIM, seed=0)
    matrix, queries = drawn[: given.rows], drawn[given.rows : -300]
    tuning, asked = Truth(matrix, drawn[-300:]), Truth(matrix, queries)

    started = time.perf_counter()
    ours = IvfIndex.build(matrix, tuning)
    report("eclip IVF-SQ8", time.perf_counter() - started, len(ours.to_bytes()), given.rows)
    allowed = ours.allow(None)
    racers: dict[str, tuple[Answer, Truth]] = {
        "eclip": (lambda query: ours.nearest(query, num_rows=TOP_K, allowed=allowed)[0], asked)
    }
    if not given.without_peer:
        racers["faiss HNSW float32"] = (peer(matrix, tuning), asked)
    unfiltered = race(racers, given.threads, given.rounds)
    if not given.without_peer:
        ratio = unfiltered["eclip"] / unfiltered["faiss HNSW float32"]
        print(f"eclip / faiss HNSW float32, queries a second: {ratio:.2f}")

    faiss.omp_set_num_threads(1)
    for name, mask in filters(matrix):
        some = Truth(matrix, queries[:300], mask)
        started = time.perf_counter()
        chosen = ours.allow(mask)
        prepared = (time.perf_counter() - started) * 1e3
        answer: Answer = lambda query, chosen=chosen: ours.nearest(query, num_rows=TOP_K, allowed=chosen)[0]  # noqa: E731
        speed = race({f"eclip, {name}": (answer, some)}, given.threads, given.rounds)[f"eclip, {name}"]
        print(
            f"    {unfiltered['eclip'] / speed:.2f} x the time without a filter; {prepared:.1f} ms once to prepare it"
        )


def peer(matrix: np.ndarray, tuning: Truth) -> Answer:
    """HNSW of faiss over float32, at the least effort that reaches the wanted recall on the tuning queries."""
    started = time.perf_counter()
    index = faiss.IndexHNSWFlat(DIM, 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 80
    index.add(matrix)
    report("faiss HNSW float32 (M 16)", time.perf_counter() - started, faiss.serialize_index(index).nbytes, len(matrix))
    for effort in (12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256):
        params = faiss.SearchParametersHNSW(efSearch=effort)

        def answer(query: np.ndarray, params: object = params) -> np.ndarray:
            return index.search(query[None], TOP_K, params=params)[1][0]

        if tuning.recall([answer(query) for query in tuning.queries]) >= RECALL:
            break
    print(f"    efSearch {effort}")
    return answer


def filters(matrix: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Rows at random, and rows on one side of a direction."""
    rng = np.random.default_rng(5)
    found = [(f"{share:.1%} at random", rng.random(len(matrix)) < share) for share in SHARES]
    nearness = matrix @ matrix[0]
    return [*found, ("10.0% that lie together", nearness > np.quantile(nearness, 0.9))]


def race(racers: dict[str, tuple[Answer, Truth]], threads: int, rounds: int) -> dict[str, float]:
    """Queries a second of each, taking turns; prints recall and times."""
    best = dict.fromkeys(racers, 0.0)
    work = dict.fromkeys(racers, np.inf)
    times: dict[str, np.ndarray] = {}
    found: dict[str, list[np.ndarray]] = {}
    for _ in range(rounds):
        for name, (answer, truth) in racers.items():
            started = time.perf_counter()
            with ThreadPoolExecutor(threads) as pool:
                answers = list(pool.map(lambda query, answer=answer: timed(answer, query), truth.queries))
            speed = len(truth.queries) / (time.perf_counter() - started)
            if speed > best[name]:
                best[name], times[name] = speed, np.array([each[1] for each in answers]) * 1e3
                found[name] = [each[0] for each in answers]
            work[name] = min(work[name], 1e3 * float(np.mean([each[2] for each in answers])))
    for name, (_, truth) in racers.items():
        p50, p95, p99 = np.quantile(times[name], (0.5, 0.95, 0.99))
        recall = truth.recall([rows[rows >= 0] for rows in found[name]])
        print(
            f"{name}: {best[name]:,.0f} queries a second, recall@{TOP_K} {recall:.4f}, "
            f"p50 {p50:.2f} ms, p95 {p95:.2f} ms, p99 {p99:.2f} ms, processor {work[name]:.3f} ms a query",
            flush=True,
        )
    return best


def timed(answer: Answer, query: np.ndarray) -> tuple[np.ndarray, float, float]:
    """An answer, the seconds that it took, and those that a processor worked for it."""
    started, worked = time.perf_counter(), time.thread_time()
    found = answer(query)
    return found, time.perf_counter() - started, time.thread_time() - worked


def report(name: str, seconds: float, num_bytes: int, rows: int) -> None:
    """Print what an index cost."""
    print(
        f"{name}: built in {seconds:.0f} s, {num_bytes / 1e6:,.0f} MB, {num_bytes / rows:.0f} bytes a vector",
        flush=True,
    )


if __name__ == "__main__":
    main()
