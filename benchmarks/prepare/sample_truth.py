"""What `eclip prepare` makes of a drawn shop, against the shop's truth: duplicates, catalogs, and leaks between splits.

eclip sample shop --products 2500 --sellers 30 && eclip prepare shop/feed.csv --store store
python benchmarks/prepare/sample_truth.py shop store
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from eclip.products.store import Store

COLUMNS = ("product_id", "duplicate_of", "catalog_id", "split")


def main(shop: Path, store: Path) -> None:
    """Print precision and recall."""
    with (shop / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {row["product_id"]: row for row in csv.DictReader(file)}
    rows = Store.open(store).table(COLUMNS).to_pylist()
    found = {row["product_id"]: row["duplicate_of"] for row in rows if row["duplicate_of"]}
    repeats = {product_id for product_id, row in truth.items() if row["duplicate_of"]}
    right = sum(_original(truth, one) == _original(truth, two) for one, two in found.items())
    print(
        f"duplicates: precision {right / max(len(found), 1):.4f}, recall {len(repeats & set(found)) / len(repeats):.4f}"
    )
    products = [truth[row["product_id"]]["product_key"] for row in rows]
    catalogs = [row["catalog_id"] for row in rows]
    both = _pairs((c, p) for c, p in zip(catalogs, products, strict=True) if c)
    made, there = _pairs(c for c in catalogs if c), _pairs(products)
    print(f"catalogs: pairwise precision {both / max(made, 1):.4f}, recall {both / there:.4f}")
    for level in ("product_key", "model_id"):
        names = {row["product_id"]: truth[row["product_id"]][level] for row in rows}
        trained = {names[row["product_id"]] for row in rows if row["split"] == "train"}
        test = [names[row["product_id"]] for row in rows if row["split"] == "test"]
        print(f"test listings whose {level} is trained on: {sum(name in trained for name in test)} of {len(test)}")


def _original(truth: dict[str, dict[str, str]], product_id: str) -> str:
    return truth[product_id]["duplicate_of"] or product_id


def _pairs(names: Iterable[object]) -> int:
    return sum(count * (count - 1) // 2 for count in Counter(names).values())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
