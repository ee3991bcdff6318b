"""Brands and model numbers found in real titles, learned from the feed's own column.

    ECLIP_DATA=... python benchmarks/tasks/brands.py [--show 60]

`pairs/Walmart-Amazon` (English, brand and model number), parted by title and again by brand, so that every test brand
is new; `naver_ko` (Korean, 340 titles) in five folds. Words are judged by their looks alone, without a text tower.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from eclip.schema import SPLITS
from eclip.tasks.attributes.spans.fit import fit_spans
from eclip.tasks.attributes.spans.results import span_results

CELL = re.compile(r"COL (\S+) VAL (.*?)(?= COL |$)")
NUM_FOLDS = 5

Row = dict[str, str]


def offers(folder: Path) -> list[Row]:
    """Each offer of a pairs folder once."""
    found: dict[tuple[str, ...], Row] = {}
    for name in ("train", "valid"):
        for line in (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            for side in line.split("\t")[:2]:
                row = {column: value.strip() for column, value in CELL.findall(side)}
                if row.get("title"):
                    found[row["title"], row.get("brand", "")] = row
    return list(found.values())


def split_by(rows: Sequence[Row], key: Callable[[Row], str]) -> np.ndarray:
    """Seven tenths to train, one to validation, two to test, by digest of a key."""
    digests = [int(hashlib.sha256(key(row).encode()).hexdigest(), 16) % 10 for row in rows]
    return np.array([SPLITS[0] if d < 7 else SPLITS[1] if d < 8 else SPLITS[2] for d in digests], dtype=object)


def measure(rows: Sequence[Row], names: Sequence[str], split: np.ndarray, *, show: int = 0) -> dict[str, list[float]]:
    """Sums of right answers and how many there were, by attribute and metric."""
    titles = [row["title"] for row in rows]
    values = {name: [(row[name],) if row.get(name) else () for row in rows] for name in names}
    categories = [row.get("category") for row in rows]
    extractor, skipped = fit_spans(titles, values, split, categories=categories, tower=None, seed=0)
    for each in skipped:
        print(each.reason)
    if extractor is None:
        return {}
    test = np.flatnonzero(split == SPLITS[2])
    own = [titles[row] for row in test]
    answers = extractor.answers(own, None)
    for place in np.random.default_rng(1).permutation(len(test))[:show]:
        print(own[place][:90], "|", [(a.text, round(a.confidence, 2), a.sure) for a in answers[names[0]][place]])
    return {
        f"{name}: {result.metric}": [result.value * result.support, result.support]
        for name in extractor.attributes
        for result in span_results(name, extractor, own, answers[name], [values[name][row] for row in test])
    }


def main() -> None:
    """Print precision and recall of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--show", type=int, default=0, help="titles to print with what was found")
    show = parser.parse_args().show
    data = Path(os.environ["ECLIP_DATA"])
    rows = offers(data / "pairs" / "Walmart-Amazon")
    keys: dict[str, Callable[[Row], str]] = {
        "titles never seen": lambda row: row["title"],
        "brands never seen": lambda row: row.get("brand", "").lower(),
    }
    for how, key in keys.items():
        for name, (hits, support) in measure(rows, ("brand", "modelno"), split_by(rows, key), show=show).items():
            print(f"Walmart-Amazon, {how}, {name}: {hits / support:.3f} of {support:.0f}")
    with (data / "naver_ko" / "products.csv").open(encoding="utf-8", newline="") as file:
        korean = list(csv.DictReader(file))
    fold = np.random.default_rng(0).permutation(len(korean)) % NUM_FOLDS
    sums: dict[str, np.ndarray] = {}
    for test in range(NUM_FOLDS):
        is_validation = fold == (test + 1) % NUM_FOLDS
        split = np.where(fold == test, SPLITS[2], np.where(is_validation, SPLITS[1], SPLITS[0])).astype(object)
        for name, counts in measure(korean, ("brand",), split, show=show if test == 0 else 0).items():
            sums[name] = sums.get(name, np.zeros(2)) + counts
    for name, (hits, support) in sums.items():
        print(f"naver_ko, {name}: {hits / support:.3f} of {support:.0f}")


if __name__ == "__main__":
    main()
