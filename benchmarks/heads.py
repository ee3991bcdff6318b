"""Our linear heads against scikit-learn's logistic regression: time and accuracy, in one run.

    python benchmarks/heads.py [--rows 8000] [--features 256] [--classes 100] [--targets 4]

Features are drawn: classes are noisy directions, so that neither solver reaches 1. The ratio of times is what
counts; absolute times belong to the machine.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.linear_model import LogisticRegression

from eclip.tasks.heads.linear import Target
from eclip.tasks.heads.training import fit_heads


def drawn_targets(
    rows: int, features: int, classes: int, num_targets: int
) -> tuple[np.ndarray, list[Target], np.ndarray, np.ndarray]:
    """Features [N, F], targets with codes [N], and the rows to learn from and to measure on."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(rows, features)).astype(np.float32)
    targets = []
    for number in range(num_targets):
        logits = matrix @ rng.normal(size=(features, classes)) / np.sqrt(features) * 4 + rng.gumbel(
            size=(rows, classes)
        )
        labels = tuple(f"class {code}" for code in range(classes))
        targets.append(Target(name=f"target {number}", labels=labels, codes=logits.argmax(axis=1)))
    order = rng.permutation(rows)
    return matrix, targets, order[: int(rows * 0.8)], order[int(rows * 0.8) :]


def main() -> None:
    """Run both and print a line each, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rows", 8_000), ("features", 256), ("classes", 100), ("targets", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    matrix, targets, train, test = drawn_targets(options.rows, options.features, options.classes, options.targets)
    held = train[: len(train) // 8]

    started = time.perf_counter()
    heads = fit_heads(matrix, targets, train_rows=train[len(held) :], validation_rows=held, seed=0)
    ours = time.perf_counter() - started
    our_accuracy = np.mean(
        [(heads.heads[t.name].probabilities(matrix[test]).argmax(1) == t.codes[test]).mean() for t in targets]
    )

    started = time.perf_counter()
    theirs_correct = []
    for target in targets:
        model = LogisticRegression(C=0.05, max_iter=100).fit(matrix[train], target.codes[train])
        theirs_correct.append((model.predict(matrix[test]) == target.codes[test]).mean())
    theirs = time.perf_counter() - started

    print(f"eclip         {ours:8.1f} s  accuracy {our_accuracy:.3f}")
    print(f"scikit-learn  {theirs:8.1f} s  accuracy {np.mean(theirs_correct):.3f}")
    print(f"eclip takes {ours / theirs:.2f} of scikit-learn's time")


if __name__ == "__main__":
    main()
