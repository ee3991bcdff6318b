"""Near titles: MinHash with banding and exact comparison against datasketch's MinHashLSH.

    python benchmarks/prepare/near_titles.py --titles 1000000 --peer-titles 2000

Titles are drawn: words of invented letters, a third of them edited copies. Timed in processor seconds on one
thread. datasketch gets the same shingles ready-made, signs with its fast bulk call, inserts and queries;
its time is that of `--peer-titles`, times the number of titles (its insertions and queries take constant
time each; comparing candidates exactly, which ours does, is left out for it).
"""

from __future__ import annotations

import argparse
import random
import resource
import time

from eclip.products.duplicates.titles import near_titles

THRESHOLD = 0.7


def draw_titles(num: int, *, seed: int = 0) -> list[str]:
    """Titles of 3 to 10 words, Latin and Hangul; a third repeats an earlier one with a small change."""
    draw = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz가나다라마바사아자차"
    words = ["".join(draw.choices(letters, k=draw.randint(2, 8))) for _ in range(50_000)]
    titles: list[str] = []
    for _ in range(num):
        if titles and draw.random() < 1 / 3:
            parts = draw.choice(titles).split()
            kind = draw.randrange(3)
            if kind == 0:
                parts.append(parts.pop(draw.randrange(len(parts))))
            elif kind == 1 and len(parts) > 3:
                parts.pop(draw.randrange(len(parts)))
            else:
                parts.append(draw.choice(words))
            titles.append(" ".join(parts))
        else:
            titles.append(" ".join(draw.choices(words, k=draw.randint(3, 10))))
    return titles


def datasketch_seconds(titles: list[str]) -> tuple[float, int]:
    """Processor seconds of signing, inserting and querying, and how many candidates came back."""
    from datasketch import MinHash, MinHashLSH

    shingles = [[title[i : i + 3].encode() for i in range(max(len(title) - 2, 1))] for title in titles]
    started = time.process_time()
    search = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    signatures = MinHash.bulk(shingles, num_perm=128)
    for row, signature in enumerate(signatures):
        search.insert(row, signature, check_duplication=False)
    candidates = sum(len(search.query(signature)) - 1 for signature in signatures) // 2
    return time.process_time() - started, candidates


def main() -> None:
    """Draw, find, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=1_000_000)
    parser.add_argument("--peer-titles", type=int, default=2_000)
    args = parser.parse_args()
    list(near_titles(draw_titles(100), threshold=THRESHOLD))  # compiled before it is timed
    titles = draw_titles(args.titles)
    started = time.process_time()
    pairs = sum(len(block.left) for block in near_titles(titles, threshold=THRESHOLD))
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    peer, candidates = datasketch_seconds(titles[: args.peer_titles])
    reckoned = peer * len(titles) / args.peer_titles
    print(
        f"{len(titles):,} titles, similarity {THRESHOLD}: {pairs:,} pairs; ours {seconds:.1f} s (peak {peak:.2f} GB), "
        f"datasketch {reckoned:.0f} s (reckoned from {args.peer_titles:,} titles, {candidates:,} candidates): "
        f"{reckoned / seconds:.0f} times faster"
    )


if __name__ == "__main__":
    main()
