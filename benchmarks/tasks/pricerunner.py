"""Catalogs from titles and sellers alone on PriceRunner: nearest mates, and clusters on kinds of products never seen.

    python benchmarks/tasks/pricerunner.py
    python benchmarks/tasks/pricerunner.py --nearest 0,1,2,3,4

Seven rotations: of the categories in alphabetical order, four in turn are learned from and the other three, as a feed
of their own, are clustered. Marks: nearest neighbour is a mate .85 (TF-IDF .63), pairwise F1 .75.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.csv as arrow_csv

from eclip.metrics import cluster_scores
from eclip.tasks.clustering.catalogs import Clustering, cluster_listings, fit_clustering
from eclip.tasks.clustering.listings import Listings

NUM_TRAIN = 4  # of seven categories
NUM_FOLDS = 5  # of products, for nearest mates


def nearest_is_mate(found: Clustering, truth: np.ndarray, among: np.ndarray | None = None) -> tuple[int, int]:
    """Listings with a mate whose most probable neighbour is one, and listings with a mate; all, or those of a mask."""
    rows, others = np.concatenate([found.left, found.right]), np.concatenate([found.right, found.left])
    order = np.argsort(np.concatenate([found.log_odds, found.log_odds]), kind="stable")
    nearest = np.full(len(truth), -1)
    nearest[rows[order]] = others[order]  # the last one written is the most probable
    _, members, sizes = np.unique(truth, return_inverse=True, return_counts=True)
    asked = np.flatnonzero((sizes[members] > 1) & (True if among is None else among))
    return int(((nearest[asked] >= 0) & (truth[nearest[asked]] == truth[asked])).sum()), len(asked)


def rotation(
    listings: Listings, truth: np.ndarray, kinds: np.ndarray, train: Sequence[str], *, seed: int
) -> tuple[float, ...]:
    """Learn from some kinds and cluster the others: F1, precision, recall, B-cubed, ARI, NMI, hits, asked, seconds."""
    started = time.monotonic()
    learned = np.isin(kinds, train)
    rows, asked = np.flatnonzero(learned), np.flatnonzero(~learned)
    families = np.unique(kinds[rows], return_inverse=True)[1]
    model = fit_clustering(listings.take(rows), truth[rows], families=families, seed=seed)
    assert model is not None
    fitted = time.monotonic()
    found = cluster_listings(listings.take(asked), model)
    seconds = time.monotonic() - fitted
    scores = cluster_scores(truth[asked], found.clusters)
    hits, num_asked = nearest_is_mate(found, truth[asked])
    print(
        f"{', '.join(sorted(set(kinds[asked]))):45} F1 {scores.pairwise_f1:.3f} P {scores.pairwise_precision:.3f} "
        f"R {scores.pairwise_recall:.3f} B3 {scores.bcubed_f1:.3f} ARI {scores.ari:.3f} NMI {scores.nmi:.3f} "
        f"nearest {hits / num_asked:.3f} bar {model.bar} missing {model.missing} "
        f"fit {fitted - started:.0f} s cluster {seconds:.1f} s",
        flush=True,
    )
    return scores.pairwise_f1, scores.pairwise_precision, scores.pairwise_recall, scores.bcubed_f1, hits, num_asked


def nearest_of_all(listings: Listings, truth: np.ndarray, folds: Sequence[int], *, seed: int) -> None:
    """Nearest mates among all offers: products in five folds, each asked for by the model learned on the others."""
    fold_of = np.random.default_rng(seed).permutation(int(truth.max()) + 1)[truth] % NUM_FOLDS
    hits, asked = 0, 0
    for fold in folds:
        held = fold_of == fold
        rows = np.flatnonzero(~held)
        model = fit_clustering(listings.take(rows), truth[rows], seed=seed)
        assert model is not None
        found = cluster_listings(listings, model)
        some_hits, some = nearest_is_mate(found, truth, held)
        scores = cluster_scores(truth[held], found.clusters[held])
        print(
            f"fold {fold}: nearest of all {some_hits / some:.3f} of {some}, pairwise F1 {scores.pairwise_f1:.3f} "
            f"P {scores.pairwise_precision:.3f} R {scores.pairwise_recall:.3f} B3 {scores.bcubed_f1:.3f}",
            flush=True,
        )
        hits, asked = hits + some_hits, asked + some
    print(f"nearest of all {hits / asked:.3f} of {asked}", flush=True)


def main() -> None:
    """Print a line for each rotation and their means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rotations", default="0,1,2,3,4,5,6")
    parser.add_argument(
        "--nearest", default="", help="folds, as 0,1,2,3,4: nearest of all offers, instead of rotations"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    table = arrow_csv.read_csv(Path(os.environ["ECLIP_DATA"]) / "pricerunner" / "products.csv").to_pydict()
    listings = Listings.of_columns({"title": table["title"], "seller": [str(each) for each in table["seller_id"]]})
    truth, kinds = np.array(table["catalog_id"]), np.array(table["category"])
    if options.nearest:
        folds = [int(fold) for fold in options.nearest.split(",")]
        nearest_of_all(listings, np.unique(truth, return_inverse=True)[1], folds, seed=options.seed)
        return
    names = sorted(set(kinds))
    rows = []
    for number in map(int, options.rotations.split(",")):
        train = [names[(number + k) % len(names)] for k in range(NUM_TRAIN)]
        rows.append(rotation(listings, truth, kinds, train, seed=options.seed))
    means = np.mean(rows, axis=0)
    print(
        f"mean F1 {means[0]:.3f} P {means[1]:.3f} R {means[2]:.3f} B3 {means[3]:.3f} nearest {means[4] / means[5]:.3f}"
    )


if __name__ == "__main__":
    main()
