"""Near titles: MinHash with banding and exact comparison against datasketch's MinHashLSH.

    python benchmarks/prepare/near_titles.py [--rows 1000000] [--peer-rows 100000] [--queries 1000] [--rounds 2]

Titles: all of the feeds in the folder that ECLIP_DATA names, and from these, up to `--rows`, small edits (a third)
and titles spliced from the halves of two of one feed; without that folder, invented words and edits of those.

Both run on one thread, in turns. datasketch gets shingles ready-made (ours reads the titles itself), a fast hash
function (crc32; its default is sha1) and 128 permutations; each title is looked up, then inserted, so that nothing
is held twice, and its candidates are taken as they come (ours compares them exactly). It does so for the first
`--peer-rows`; the time is multiplied up to all, which leaves out that its lookups grow longer. It runs once with the
bands that it chooses by itself, which miss many pairs, and once with those it chooses when told to miss few.

Recall: among those first rows, all pairs of `--queries` of them whose shingles are similar by at least the
threshold, by exact comparison with every other one.
"""

from __future__ import annotations

import argparse
import os
import resource
import unicodedata
import zlib
from collections.abc import Iterable
from pathlib import Path
from random import Random

import numpy as np
import pyarrow.parquet as pq
from race import Race, timed

from eclip.products.duplicates.titles import near_titles
from eclip.sample.listings import edit_title, mistype

THRESHOLD = 0.7
MARK = 5
_PEERS = {"datasketch": (0.5, 0.5), "datasketch for recall": (0.1, 0.9)}  # weights of false and of missed pairs
_SPLICED = 2 / 3  # of the titles that are no real ones
_APOSTROPHES = str.maketrans("", "", "'\u2019\u02bc")
_AT_ONCE = 20  # queries that are compared with all titles at once
Pair = tuple[int, int]


def real_titles(folder: Path) -> list[list[str]]:
    """The titles of each feed there."""
    import pyarrow.csv

    feeds = [pq.read_table(path, columns=["title"]) for path in sorted(folder.glob("*/products.parquet"))]
    parsing = pyarrow.csv.ParseOptions(newlines_in_values=True)
    feeds += [
        pyarrow.csv.read_csv(path, parse_options=parsing).select(["title"])
        for path in sorted(folder.glob("*/products.csv"))
    ]
    return [[str(title) for title in feed["title"].to_pylist() if title] for feed in feeds]


def invented_titles(num: int, draw: Random) -> list[str]:
    """Titles of 3 to 10 words, Latin and Hangul."""
    letters = "abcdefghijklmnopqrstuvwxyz가나다라마바사아자차"
    words = ["".join(draw.choices(letters, k=draw.randint(2, 8))) for _ in range(50_000)]
    return [" ".join(draw.choices(words, k=draw.randint(3, 10))) for _ in range(num)]


def grown_titles(feeds: list[list[str]], num: int, draw: Random) -> list[str]:
    """The feeds' titles and, up to so many, edits and splices of them, in any order."""
    titles = [title for feed in feeds for title in feed]
    sizes = [len(feed) for feed in feeds]
    while len(titles) < num:
        if draw.random() < _SPLICED:
            (feed,) = draw.choices(feeds, sizes)
            one, two = (draw.choice(feed).split() for _ in range(2))
            titles.append(" ".join([*one[: (len(one) + 1) // 2], *two[len(two) // 2 :]]))
        else:
            edited = edit_title(draw.choice(titles), draw)
            titles.append(edited if draw.random() < 0.5 else " ".join(mistype(edited.split(), draw)))
    draw.shuffle(titles)
    return titles[:num]


def shingles(title: str) -> set[str]:
    """Runs of three characters of the words of a title, parted by one space, as ours reads them."""
    text = title.casefold().translate(_APOSTROPHES)
    kept = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in text)
    text = " ".join(kept.split())
    return {text[i : i + 3] for i in range(max(len(text) - 2, 1))} if text else set()


def ours(titles: list[str], queries: np.ndarray, among: int) -> tuple[int, set[Pair]]:
    """Number of all pairs, and those of queries among the first rows."""
    wanted, num, found = np.zeros(len(titles), bool), 0, set()
    wanted[queries] = True
    for block in near_titles(titles, threshold=THRESHOLD):
        num += len(block.left)
        asked = (wanted[block.left] | wanted[block.right]) & (block.right < among)
        found.update(zip(block.left[asked].tolist(), block.right[asked].tolist(), strict=True))
    return num, found


def datasketch_pairs(
    sets: Iterable[list[bytes]], queries: set[int], weights: tuple[float, float]
) -> tuple[int, set[Pair]]:
    """Number of all candidate pairs, and those of queries."""
    from datasketch import MinHash, MinHashLSH

    search, num, found = MinHashLSH(threshold=THRESHOLD, num_perm=128, weights=weights), 0, set()
    for row, signature in enumerate(MinHash.generator(sets, num_perm=128, hashfunc=zlib.crc32)):
        earlier = search.query(signature)
        search.insert(row, signature, check_duplication=False)
        num += len(earlier)
        found.update((other, row) for other in earlier if row in queries or other in queries)
    return num, found


def true_pairs(sets: list[set[str]], queries: np.ndarray) -> set[Pair]:
    """Pairs of the queries with any set, similar by at least the threshold, compared with all of them."""
    from scipy.sparse import csr_matrix

    known: dict[str, int] = {}
    columns = np.array([known.setdefault(shingle, len(known)) for each in sets for shingle in each], np.int32)
    sizes = np.array([len(each) for each in sets])
    starts = np.concatenate(([0], np.cumsum(sizes)))
    table = csr_matrix((np.ones(len(columns), np.int32), columns, starts), shape=(len(sets), len(known)))
    turned, found = table.T.tocsr(), set()
    for start in range(0, len(queries), _AT_ONCE):
        rows = queries[start : start + _AT_ONCE]
        shared = (table[rows] @ turned).tocoo()
        one, two = rows[shared.row], shared.col
        near = (shared.data >= THRESHOLD * (sizes[one] + sizes[two] - shared.data)) & (one != two)
        found.update((min(pair), max(pair)) for pair in zip(one[near].tolist(), two[near].tolist(), strict=True))
    return found


def told_titles(num: int) -> tuple[list[str], str]:
    """Titles to compare, and what they are."""
    draw, folder = Random(0), os.environ.get("ECLIP_DATA")
    feeds = real_titles(Path(folder)) if folder else [invented_titles(num // 2, draw)]
    whence = "real ones of" if folder else "invented ones of"
    return grown_titles(feeds, num, draw), f"{whence} {len(feeds)} feeds and changed ones"


def main() -> None:
    """Draw, find, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"rows": 1_000_000, "peer-rows": 100_000, "queries": 1_000, "rounds": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    list(near_titles(invented_titles(100, Random(0)), threshold=THRESHOLD))  # compiled before it is timed
    titles, whence = told_titles(args.rows)
    among = min(args.peer_rows, len(titles))
    sets = [shingles(title) for title in titles[:among]]
    encoded = [[shingle.encode() for shingle in each] for each in sets]
    asked = np.sort(np.random.default_rng(0).choice(among, min(args.queries, among), replace=False))
    note = f"one thread each; peer multiplied up from {among:,} titles"
    what = f"pairs of {len(titles):,} titles ({whence}) similar by {THRESHOLD}"
    races = {peer: Race(what, peer, MARK, note) for peer in _PEERS}
    pairs: dict[str, set[Pair]] = {}
    nums: dict[str, int] = {}
    for _ in range(args.rounds):
        (nums["eclip"], pairs["eclip"]), seconds = timed(lambda: ours(titles, asked, among))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        for peer, race in races.items():
            weights = _PEERS[peer]
            (nums[peer], pairs[peer]), spent = timed(
                lambda w=weights: datasketch_pairs(encoded, set(asked.tolist()), w)
            )  # type: ignore[misc]
            race.add(seconds, spent.scaled(len(titles) / among))
    print(*races.values(), sep="\n", flush=True)
    truth = true_pairs(sets, asked)
    print(f"    eclip finds {nums['eclip']:,} pairs among all (peak {peak:.1f} GB, the titles and their sets included)")
    print(f"    {len(truth):,} true pairs of {len(asked):,} titles among {among:,}:")
    for who, found in pairs.items():
        hits = len(found & truth)
        recall, precision = hits / max(len(truth), 1), hits / max(len(found), 1)
        print(f"    {who} finds {recall:.4f} of them; {precision:.4f} of what it finds is true")


if __name__ == "__main__":
    main()
