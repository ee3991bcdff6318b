"""How often the nearest title of an offer is one of the same product: models beside TF-IDF, on a store's test split.

    eclip prepare $ECLIP_DATA/pricerunner/products.csv --store STORE
    eclip train STORE --recipe text --minutes 5 --out MODEL
    python benchmarks/title_mates.py STORE MODEL ...

Asked are the test split's offers that have a mate there; they are looked for among the whole test split.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from eclip.model.folder import load_model
from eclip.model.presets import text
from eclip.products.store import Store
from eclip.tasks.evaluation.baselines import title_cosine_features

ROWS_AT_ONCE = 500


def mate_share(cosines: Callable[[np.ndarray], np.ndarray], catalogs: np.ndarray) -> float:
    """Share of the offers with a mate whose nearest other offer is one.

    Args:
        cosines: Rows [n] -> their cosines [n, N] with all.
        catalogs: [N] catalog of each offer.
    """
    _, members, sizes = np.unique(catalogs, return_inverse=True, return_counts=True)
    asked = np.flatnonzero(sizes[members] > 1)
    hits = 0
    for start in range(0, len(asked), ROWS_AT_ONCE):
        rows = asked[start : start + ROWS_AT_ONCE]
        found = cosines(rows)
        found[np.arange(len(rows)), rows] = -np.inf
        hits += int((members[found.argmax(axis=1)] == members[rows]).sum())
    return hits / len(asked)


def main() -> None:
    """Print a line for TF-IDF, one for the text tower as it comes, and one for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("models", type=Path, nargs="*")
    options = parser.parse_args()
    table = Store.open(options.store).table(["title", "feed_catalog_id", "split", "duplicate_of"]).to_pylist()
    offers = [row for row in table if row["duplicate_of"] is None and row["title"]]
    titles = [row["title"] for row in offers]
    rows = np.array([place for place, row in enumerate(offers) if row["split"] == "test" and row["feed_catalog_id"]])
    train = np.array([place for place, row in enumerate(offers) if row["split"] == "train"])
    catalogs = np.array([offers[row]["feed_catalog_id"] for row in rows])
    words = title_cosine_features(titles, train)[rows]
    print(f"TF-IDF: {mate_share(lambda some: (words[some] @ words.T).toarray(), catalogs):.3f}", flush=True)
    for name in ["MiniLM as it comes", *options.models]:
        model = load_model(name) if isinstance(name, Path) else text(titles)
        vectors = model.encode_text([titles[row] for row in rows])
        share = mate_share(lambda some, among=vectors: among[some] @ among.T, catalogs)
        print(f"{name}: {share:.3f}", flush=True)


if __name__ == "__main__":
    main()
