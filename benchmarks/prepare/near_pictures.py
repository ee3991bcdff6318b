"""Near pictures: finding all pairs by bands against imagededup's search and faiss's flat binary index.

    python benchmarks/prepare/near_pictures.py [--rows 1000000] [--queries 2000] [--radius 8] [--rounds 3]

Three comparisons, ours (one thread) and the peer in turns, everything timed from the hashes on:

- the pictures of fashion (in the folder that ECLIP_DATA names; without it of a drawn shop) against what imagededup's
  `find_duplicates` does with the same hashes, by its default, compiled brute force (its tree took twenty times as
  long) on all processors;
- `--rows` drawn hashes, every second one near another, against faiss `IndexBinaryFlat.range_search` on all
  processors, building the index included;
- as many hashes made from those of the shop by flipping a few bits, which crowd as real ones do, against the same.

The peers answer `--queries` of the hashes (imagededup a tenth of that), since all would take hours: their time,
less the fixed cost of a run with two queries, is multiplied up to all hashes. Recall is the share of the pairs
found by the peer for its queries that ours finds too, and the other way round.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from picture_hashes import default_feed, imagededup_hasher, shop_pictures
from race import Race, Spent, timed

from eclip.products.duplicates.hamming import near_pairs
from eclip.products.pictures.hashing import perceptual_hashes

MARK_IMAGEDEDUP, MARK_FAISS = 30, 10
_WORKERS = os.cpu_count() or 1
Search = Callable[[np.ndarray, np.ndarray, int], set[tuple[int, int]]]


def draw_hashes(num: int, *, seed: int = 0) -> np.ndarray:
    """[num] uint64; every second one differs from the one before in 0 to 11 bits."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, num, dtype=np.uint64)
    hashes[1 : num // 2 * 2 : 2] = with_flips(hashes[: num // 2 * 2 : 2], rng)
    return hashes


def with_flips(hashes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each with 0 to 11 of its bits flipped, each number as often."""
    flips = rng.integers(0, 12, len(hashes))
    out = hashes.copy()
    for round_of_flips in range(11):
        bits = np.uint64(1) << rng.integers(0, 64, len(out), dtype=np.uint64)
        out = np.where(flips > round_of_flips, out ^ bits, out)
    return out


def ours(hashes: np.ndarray, radius: int) -> int:
    """Number of pairs."""
    return sum(len(block.left) for block in near_pairs(hashes, radius))


def pairs_of(hashes: np.ndarray, asked: np.ndarray, radius: int) -> set[tuple[int, int]]:
    """(query, other row) of all pairs of ours that hold a query."""
    wanted, found = np.zeros(len(hashes), bool), set()
    wanted[asked] = True
    for block in near_pairs(hashes, radius):
        for one, two in ((block.left, block.right), (block.right, block.left)):
            found.update(zip(one[wanted[one]].tolist(), two[wanted[one]].tolist(), strict=True))
    return found


def faiss_flat(hashes: np.ndarray, asked: np.ndarray, radius: int) -> set[tuple[int, int]]:
    """(query, other row) within the radius."""
    import faiss

    faiss.omp_set_num_threads(_WORKERS)
    index = faiss.IndexBinaryFlat(64)
    index.add(hashes.view(np.uint8).reshape(-1, 8))
    limits, _, rows = index.range_search(hashes[asked].view(np.uint8).reshape(-1, 8), radius + 1)  # below that
    queries = np.repeat(asked, np.diff(limits.astype(np.int64)))
    return {(one, two) for one, two in zip(queries.tolist(), rows.tolist(), strict=True) if one != two}


def imagededup_search() -> Search:
    """What its `find_duplicates` calls, for some queries."""
    imagededup_hasher()
    from imagededup.handlers.search.retrieval import HashEval
    from imagededup.methods.hashing import PHash

    def search(hashes: np.ndarray, asked: np.ndarray, radius: int) -> set[tuple[int, int]]:
        texts = {str(row): f"{word:016x}" for row, word in enumerate(hashes.tolist())}
        found = HashEval(
            test=texts,
            queries={str(row): texts[str(row)] for row in asked.tolist()},
            distance_function=PHash.hamming_distance,
            verbose=False,
            threshold=radius,
            search_method="brute_force_cython",
            num_dist_workers=_WORKERS,
        ).retrieve_results()
        return {(int(query), int(other)) for query, others in found.items() for other in others}

    return search


def race(
    name: str, hashes: np.ndarray, peer: str, search: Search, asked: np.ndarray, mark: float, args: argparse.Namespace
) -> None:
    """Run the rounds and print time and recall."""
    note = f"one thread; peer on {_WORKERS} processors, multiplied up from {len(asked):,} queries"
    told = Race(f"{name}: all pairs of {len(hashes):,} hashes within {args.radius} bits", peer, mark, note)
    found, num_pairs = set(), 0
    for _ in range(args.rounds):
        num_pairs, seconds = timed(lambda: ours(hashes, args.radius))
        _, fixed = timed(lambda: search(hashes, asked[:2], args.radius))
        found, spent = timed(lambda: search(hashes, asked, args.radius))
        told.add(seconds, reckoned(spent, fixed, len(hashes) / (len(asked) - 2)))
    print(told)
    mine = pairs_of(hashes, asked, args.radius)
    shared = len(mine & found)
    print(
        f"    {num_pairs:,} pairs; of the {len(found):,} that {peer} found for its queries eclip finds "
        f"{shared / max(len(found), 1):.4f}, of its own {len(mine):,} {peer} finds {shared / max(len(mine), 1):.4f}",
        flush=True,
    )


def reckoned(spent: Spent, fixed: Spent, factor: float) -> Spent:
    """Time for all queries from that for some."""
    each = spent.without(fixed).scaled(factor)
    return Spent(fixed.wall + each.wall, fixed.processor + each.processor)


def main() -> None:
    """Hash or draw, find, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feed", type=Path, default=default_feed())
    for name, default in {"rows": 1_000_000, "queries": 2_000, "radius": 8, "rounds": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    rng = np.random.default_rng(1)
    ours(draw_hashes(1_000), args.radius)  # compiled before it is timed
    shop = perceptual_hashes(shop_pictures(args.feed, args.rows))[0]
    asked = rng.choice(len(shop), min(args.queries, len(shop)) // 10, replace=False)
    race("shop", shop, "imagededup", imagededup_search(), asked, MARK_IMAGEDEDUP, args)
    crowded = with_flips(rng.choice(shop, args.rows), rng)
    for name, hashes in (("drawn", draw_hashes(args.rows)), ("crowded", crowded)):
        asked = rng.choice(len(hashes), min(args.queries, len(hashes)), replace=False)
        race(name, hashes, "faiss IndexBinaryFlat", faiss_flat, asked, MARK_FAISS, args)


if __name__ == "__main__":
    main()
