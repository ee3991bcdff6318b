"""Categories from few titles alone, cross-validated: our lexical expert against TF-IDF with linear classifiers.

    ECLIP_DATA=... python benchmarks/tasks/few_titles.py [--feed naver_ko] [--level 2] [--folds 5] [--seeds 3]

Feeds are CSV files with `title` and `category` (`a > b > c`). Accuracy is the mean over all products and seeds; the
interval is a bootstrap over products, as is that of the difference.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from eclip.metrics import macro_f1
from eclip.tasks.heads.lexical import TitleTerms, max_terms_for
from eclip.tasks.heads.lexical_training import fit_lexical
from eclip.tasks.heads.linear import Target

RESAMPLES = 2000


def lexical_expert(titles: Sequence[str], codes: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """What `eclip fit` makes of titles: classes [n] of the test rows."""
    num_classes = int(codes.max()) + 1
    terms = TitleTerms.of([titles[row] for row in train], max_terms=max_terms_for(num_classes))
    target = Target(name="category", labels=tuple(map(str, range(num_classes))), codes=codes)
    nobody = np.zeros(0, dtype=np.int64)
    heads = fit_lexical(terms.features(titles), [target], train_rows=train, validation_rows=nobody, seed=0)
    return heads.probabilities("category", terms.features([titles[row] for row in test])).argmax(axis=1)


def tf_idf(
    classifier: LogisticRegression | LinearSVC,
    titles: Sequence[str],
    codes: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
) -> np.ndarray:
    """A linear classifier over words (1-2) and letter groups (2-4)."""
    halves = [
        TfidfVectorizer(token_pattern=r"\w+", ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    ]
    seen = sparse.hstack([half.fit_transform([titles[row] for row in train]) for half in halves], format="csr")
    asked = sparse.hstack([half.transform([titles[row] for row in test]) for half in halves], format="csr")
    return classifier.fit(seen, codes[train]).predict(asked)


METHODS = {
    "eclip, lexical": lexical_expert,
    "tf-idf + logistic regression": partial(tf_idf, LogisticRegression(C=10, max_iter=300)),
    "tf-idf + linear SVM": partial(tf_idf, LinearSVC()),
}


def stratified_folds(codes: np.ndarray, num_folds: int, seed: int) -> np.ndarray:
    """Fold [N] of each row, classes spread evenly."""
    shuffled = np.random.default_rng(seed)
    order = np.lexsort((shuffled.random(len(codes)), codes))
    folds = np.empty(len(codes), dtype=np.int64)
    folds[order] = (np.arange(len(codes)) + shuffled.integers(num_folds)) % num_folds
    return folds


def interval(values: np.ndarray) -> str:
    """95 % of the bootstrap means over products [N]."""
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return f"{low:+.3f} to {high:+.3f}"


def main() -> None:
    """Print a line a method, and their difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feed", default="naver_ko")
    for name, default in (("level", 2), ("folds", 5), ("seeds", 3), ("rows", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with (Path(os.environ["ECLIP_DATA"]) / options.feed / "products.csv").open(encoding="utf-8", newline="") as file:
        found = [(line["title"], line["category"]) for line in csv.DictReader(file) if line["title"]]
    if options.rows:
        found = [found[row] for row in np.random.default_rng(0).permutation(len(found))[: options.rows]]
    titles = [title for title, _ in found]
    paths = [" > ".join(path.split(" > ")[: options.level]) for _, path in found]
    labels, codes = np.unique(paths, return_inverse=True)
    print(f"{len(titles):,} titles, {len(labels)} categories at level {options.level}, {options.folds} folds")
    hits = {}
    for name, classify in METHODS.items():
        started, right, f1s = time.perf_counter(), np.zeros(len(codes)), []
        for seed in range(options.seeds):
            folds, said = stratified_folds(codes, options.folds, seed), np.zeros_like(codes)
            for fold in range(options.folds):
                train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
                said[test] = classify(titles, codes, train, test)
            right += (said == codes) / options.seeds
            f1s.append(macro_f1(codes, said))
        hits[name] = right
        seconds = time.perf_counter() - started
        print(f"{name:30} {right.mean():.3f} ({interval(right)}), macro-F1 {np.mean(f1s):.3f}, {seconds:.0f} s")
    ours, *others = hits.items()
    for name, theirs in others:
        print(f"ahead of {name}: {(ours[1] - theirs).mean():+.3f} ({interval(ours[1] - theirs)})")


if __name__ == "__main__":
    main()
