"""Does asking for the least certain answers beat asking for random ones? Accuracy per 100 corrections.

    python -m benchmarks.tasks.active_learning STORE --model MODEL [--plot curve.png]

Labels of the train split are hidden; 100 random ones start, then 100 more a round are asked for: random ones, or those
that the head fitted so far is least sure of (`eclip review` shows these). The head is a light one, so that a round
takes a second: softmax over the first 256 principal components of picture and title vectors. Test rows are never asked.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from eclip.metrics import macro_f1
from eclip.model.folder import read_manifest
from eclip.products.store import Store
from eclip.tasks.catalogue import read_catalogue
from eclip.tasks.category.targets import category_target
from eclip.tasks.heads.linear import Target

ASKED, ROUNDS, SEEDS = 100, 8, 3
POOL, TESTED, COMPONENTS = 8_000, 3_000, 256
STEPS, RATE, DECAY = 120, 0.02, 1e-3

# Probabilities [N, C] and features [N, F] of rows that may be asked -> order [N], the first asked first.
Strategy = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def at_random(chances: np.ndarray, _: np.ndarray, shuffled: np.random.Generator) -> np.ndarray:
    """Any row."""
    return shuffled.permutation(len(chances))


def least_confident(chances: np.ndarray, *_: object) -> np.ndarray:
    """The least probable best answer."""
    return np.argsort(chances.max(axis=1), kind="stable")


def least_margin(chances: np.ndarray, *_: object) -> np.ndarray:
    """The best answer hardly more probable than the second."""
    best = np.partition(chances, -2, axis=1)[:, -2:]
    return np.argsort(best[:, 1] - best[:, 0], kind="stable")


def most_entropy(chances: np.ndarray, *_: object) -> np.ndarray:
    """The most spread answers."""
    return np.argsort((chances * np.log(np.maximum(chances, 1e-12))).sum(axis=1), kind="stable")


def margin_and_spread(chances: np.ndarray, features: np.ndarray, _: object) -> np.ndarray:
    """Of the 5 x 100 least margins, each next one far from those taken: no 100 near copies of one doubt."""
    candidates = least_margin(chances)[: 5 * ASKED]
    unit = features[candidates] / np.linalg.norm(features[candidates], axis=1, keepdims=True)
    taken = [0]
    nearest = unit @ unit[0]
    while len(taken) < min(ASKED, len(candidates)):
        taken.append(int(np.argmin(nearest)))
        nearest = np.maximum(nearest, unit @ unit[taken[-1]])
    return candidates[taken]


def margin_by_pairs(chances: np.ndarray, *_: object) -> np.ndarray:
    """Least margins, each pair of best answers once before any twice: as `eclip review`, which has no vectors."""
    order = least_margin(chances)
    best = np.sort(np.argpartition(chances[order], -2, axis=1)[:, -2:], axis=1)
    turns: dict[tuple[int, int], int] = {}
    turn = []
    for pair in map(tuple, best.tolist()):
        turn.append(turns.get(pair, 0))
        turns[pair] = turn[-1] + 1
    return order[np.argsort(turn, kind="stable")]


STRATEGIES: dict[str, Strategy] = {
    "random": at_random,
    "least confident": least_confident,
    "least margin": least_margin,
    "entropy": most_entropy,
    "margin, pairs of answers": margin_by_pairs,
    "margin, spread by vectors": margin_and_spread,
}


def fitted(features: np.ndarray, codes: np.ndarray, num_classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A softmax head by full-batch Adam from zeros: the same steps for every strategy."""
    x, y = torch.from_numpy(features), torch.from_numpy(codes)
    weight, bias = (torch.zeros(s, requires_grad=True) for s in ((num_classes, x.shape[1]), (num_classes,)))
    optimizer = torch.optim.AdamW([weight, bias], lr=RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(x @ weight.T + bias, y).backward()
        optimizer.step()
    return weight.detach(), bias.detach()


def curve(
    strategy: Strategy, features: np.ndarray, target: Target, pool: np.ndarray, tested: np.ndarray, seed: int
) -> list[tuple[float, float]]:
    """Accuracy and macro F1 on the tested rows after each round of corrections."""
    shuffled = np.random.default_rng(seed)
    labelled = shuffled.permutation(len(pool))[:ASKED]
    figures = []
    for number in range(ROUNDS + 1):
        rows = pool[labelled]
        weight, bias = fitted(features[rows], target.codes[rows], len(target.labels))
        found = (torch.from_numpy(features[tested]) @ weight.T + bias).argmax(1).numpy()
        truth = target.codes[tested]
        figures.append((float((found == truth).mean()), float(macro_f1(truth, found))))
        if number < ROUNDS:
            left = np.setdiff1d(np.arange(len(pool)), labelled)
            chances = torch.softmax(torch.from_numpy(features[pool[left]]) @ weight.T + bias, 1).numpy()
            asked = left[strategy(chances, features[pool[left]], shuffled)[:ASKED]]
            labelled = np.concatenate([labelled, asked])
    return figures


def main() -> None:
    """Print the table, and draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    catalogue = read_catalogue(Store.open(given.store), read_manifest(given.model)["digest"])
    target = category_target(catalogue)
    assert isinstance(target, Target), target
    matrix, mask = catalogue.features("both")
    known = mask & (target.codes >= 0)
    shuffled = np.random.default_rng(0)
    pool, tested = (
        shuffled.permutation(np.flatnonzero(known & catalogue.within(split)))[:most]
        for split, most in (("train", POOL), ("test", TESTED))
    )
    matrix = matrix - matrix[pool].mean(axis=0)
    _, axes = np.linalg.eigh(matrix[pool].T @ matrix[pool])
    features = (matrix @ axes[:, -COMPONENTS:]).astype(np.float32)
    features /= features[pool].std()
    found = {
        name: np.array([curve(strategy, features, target, pool, tested, seed) for seed in range(SEEDS)])
        for name, strategy in STRATEGIES.items()
    }
    show(found, len(pool), len(tested), len(target.labels))
    if given.plot:
        draw(found, given.plot)


def show(found: dict[str, np.ndarray], pool: int, tested: int, num_classes: int) -> None:
    """Tables of figures [seed, round, 2]: means over seeds, and the spread of the last round."""
    print(f"{num_classes} classes, {pool:,} rows to ask for, {tested:,} tested, {SEEDS} seeds")
    for metric, name in enumerate(("accuracy", "macro F1")):
        labels = [ASKED * (1 + number) for number in range(ROUNDS + 1)]
        print(f"\n| {name} after | {' | '.join(map(str, labels))} | a 100, over random's |")
        print("| --- |" + " ---: |" * (len(labels) + 1))
        for strategy, figures in found.items():
            means = figures[:, :, metric].mean(axis=0)
            gains = (figures[:, -1, metric] - figures[:, 0, metric]) / ROUNDS
            base = (found["random"][:, -1, metric] - found["random"][:, 0, metric]) / ROUNDS
            cells = " | ".join(f"{value:.3f}" for value in means)
            spread = (gains - base).std(ddof=1)
            print(f"| {strategy} | {cells} | {gains.mean():+.4f} ({(gains - base).mean():+.4f} ± {spread:.4f}) |")


def draw(found: dict[str, np.ndarray], path: Path) -> None:
    """The curves of accuracy."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, figures in found.items():
        axis.plot([ASKED * (1 + n) for n in range(ROUNDS + 1)], figures[:, :, 0].mean(axis=0), marker=".", label=name)
    axis.set(xlabel="labels", ylabel="accuracy")
    axis.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
