"""Near pictures: finding by bands against faiss's flat binary index and imagededup's brute force.

    python benchmarks/prepare/near_pictures.py --hashes 1000000 --queries 500 --radius 8

Hashes are drawn: half of them at random, half near another. All run on one thread and are timed in processor
seconds, so that other work on the machine does not count. The peers' time for all pairs is that of some
queries, times the number of hashes; imagededup is asked through the
search that its `find_duplicates` calls for each picture, which also reads all its hashes anew each time.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np

from eclip.products.duplicates.hamming import near_pairs


def draw_hashes(num: int, *, seed: int = 0) -> np.ndarray:
    """[num] uint64; every second one differs from the one before in 0 to 11 bits."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, num, dtype=np.uint64)
    copies = hashes[: num // 2 * 2 : 2].copy()
    for round_of_flips in range(11):
        flips = np.uint64(1) << rng.integers(0, 64, len(copies), dtype=np.uint64)
        copies = np.where(rng.integers(0, 12, len(copies)) > round_of_flips, copies ^ flips, copies)
    hashes[1 : num // 2 * 2 : 2] = copies
    return hashes


def timed(work: Callable[[], int]) -> tuple[int, float]:
    """Result and processor seconds of a piece of work."""
    started = time.process_time()
    return work(), time.process_time() - started


def ours(hashes: np.ndarray, radius: int) -> tuple[int, float]:
    """Number of pairs, and seconds."""
    return timed(lambda: sum(len(block.left) for block in near_pairs(hashes, radius)))


def faiss_flat(hashes: np.ndarray, radius: int, queries: int) -> tuple[np.ndarray, float]:
    """Neighbours of the first hashes (themselves included), and seconds for all, reckoned."""
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryFlat(64)
    index.add(hashes.view(np.uint8).reshape(-1, 8))
    asked = hashes[:queries].view(np.uint8).reshape(-1, 8)
    started = time.process_time()
    limits, _, _ = index.range_search(asked, radius + 1)  # finds what is nearer than that
    return np.diff(limits), (time.process_time() - started) * len(hashes) / queries


def imagededup_brute_force(hashes: np.ndarray, radius: int, queries: int) -> tuple[np.ndarray, float]:
    """Neighbours of the first hashes (themselves included), and seconds for all, reckoned."""
    from imagededup.handlers.search.brute_force_cython import BruteForceCython

    texts = {str(row): f"{word:016x}" for row, word in enumerate(hashes.tolist())}
    search = BruteForceCython(texts, None)
    counts, seconds = timed(lambda: [len(search.search(texts[str(row)], tol=radius)) for row in range(queries)])  # type: ignore[arg-type,return-value]
    return np.array(counts), seconds * len(hashes) / queries


def counted(hashes: np.ndarray, radius: int, queries: int) -> np.ndarray:
    """Neighbours of the first hashes (themselves included) among our pairs."""
    counts = np.ones(len(hashes), dtype=np.int64)
    for block in near_pairs(hashes, radius):
        counts += np.bincount(block.left, minlength=len(hashes)) + np.bincount(block.right, minlength=len(hashes))
    return counts[:queries]


def main() -> None:
    """Draw, find, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hashes", type=int, default=1_000_000)
    parser.add_argument("--small", type=int, default=38_000, help="hashes for imagededup")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--radius", type=int, default=8)
    args = parser.parse_args()
    ours(draw_hashes(1000), args.radius)  # compiled before it is timed
    rows = (
        ("faiss IndexBinaryFlat", args.hashes, faiss_flat),
        ("imagededup brute force", args.small, imagededup_brute_force),
    )
    for name, num, peer in rows:
        hashes = draw_hashes(num)
        pairs, seconds = ours(hashes, args.radius)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        found = counted(hashes, args.radius, args.queries)
        expected, peer_seconds = peer(hashes, args.radius, min(args.queries, num))
        recall = float(found[: len(expected)].sum() / expected.sum())
        print(
            f"{num:,} hashes, radius {args.radius}: {pairs:,} pairs; ours {seconds:.2f} s (peak {peak:.2f} GB), "
            f"{name} {peer_seconds:.1f} s (from {args.queries} queries): {peer_seconds / seconds:.0f} times faster, "
            f"recall {recall:.4f}"
        )


if __name__ == "__main__":
    main()
