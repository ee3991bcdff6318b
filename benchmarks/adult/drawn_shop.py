"""Adult product recognition on a drawn shop: witnesses one by one, titles in disguise, and adult goods made rare.

eclip sample shop --products 2500 --sellers 30 && eclip prepare shop/feed.csv --store store
eclip train store --out model --recipe locked --set epochs=12 && eclip embed store --model model
python benchmarks/adult/drawn_shop.py store model shop/truth.csv

Fits anew, from what the feed says; judges by the truth, of which the feed leaves out some. Model and store stay as
they are. Without truth.csv the feed's own policies judge.
"""

from __future__ import annotations

import csv
import math
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from benchmarks.adult.attacks import ATTACKS, attacked

from eclip.metrics import average_precision, recall_at_budget
from eclip.model.folder import load_model, read_manifest
from eclip.products.store import Store
from eclip.schema import SPLITS
from eclip.tasks.adult.decisions import Thresholds, act
from eclip.tasks.adult.fit import fit_recognizer, listings_of
from eclip.tasks.adult.lexicon import undisguised
from eclip.tasks.adult.prompts import PolicyPrompts
from eclip.tasks.adult.recognizer import PolicyRecognizer
from eclip.tasks.adult.results import false_positives_per_10k
from eclip.tasks.adult.witnesses import RULES
from eclip.tasks.catalogue import Catalogue, read_catalogue
from eclip.tasks.fit import fit_tasks
from eclip.tasks.results import MODALITIES

ADULT = "adult"
RARE_SHARE = 0.005
SEEDS = range(20)  # of thinning


def main(store: Path, model: Path, truth: Path | None) -> None:
    """Print the three tables."""
    catalogue = read_catalogue(Store.open(store), read_manifest(model)["digest"])
    true = catalogue.policies == ADULT
    if truth is not None:
        with truth.open(encoding="utf-8") as file:
            known = {row["product_id"]: row["adult"] == "1" for row in csv.DictReader(file)}
        true = np.array([known[each] for each in catalogue.product_ids], dtype=bool)
    fitted = fitted_recognizer(catalogue)
    for modality, each in fitted.weights.items():
        print(f"weights {modality:6s} {np.round(each.weights[0], 2)} bias {each.bias[0]:.2f}")
    print("seller strength", fitted.history.strength if fitted.history else None)
    for modality, each in fitted.thresholds.items():
        print(f"thresholds {modality:6s} set {each.decide[0]:.3f} show {each.review:.4f}")
    test = catalogue.rows_of(SPLITS[2])
    print(f"test {len(test)}, adult {true[test].sum()}, the feed says {np.sum(catalogue.policies[test] == ADULT)}")
    witnesses(catalogue, fitted, test, true[test], model)
    specialised(catalogue, fitted, test, true)
    disguises(catalogue, fitted, test, true[test], model)


def fitted_recognizer(catalogue: Catalogue) -> PolicyRecognizer:
    """What `eclip fit --task adult` gives."""
    with TemporaryDirectory() as folder:
        fit_tasks(catalogue, Path(folder), tasks=["adult"], seed=0)
        return PolicyRecognizer.load(Path(folder) / "adult")


def witnesses(catalogue: Catalogue, fitted: PolicyRecognizer, test: np.ndarray, true: np.ndarray, model: Path) -> None:
    """Rules alone, then each modality with and without what stands beside the heads; then adult goods made rare."""
    encoder = load_model(model)
    prompts = PolicyPrompts.of(encoder.encode_text, math.exp(encoder.module.logit_scale.item()))
    scores: dict[str, tuple[np.ndarray, Thresholds]] = {}
    for name, rules in (("terms", None), ("terms, descriptions", prompts)):
        judge = PolicyRecognizer.by_rules(rules)
        scores[name] = judge.judge(listings_of(catalogue, judge, test)).chances, judge.thresholds[RULES]
    listings = listings_of(catalogue, fitted, test)
    heads = fitted.heads
    assert heads is not None
    inputs = heads.inputs(*vectors_of(catalogue, test), [catalogue.titles[row] for row in test])
    for modality in MODALITIES:
        has = np.flatnonzero(catalogue.features(modality)[1][test])
        chances, alone = np.full((len(test), 4), np.nan), np.full(len(test), np.nan)
        chances[has] = fitted.chances(listings, modality, has)
        if modality == "both":
            chances = fitted.judge(listings).chances
        alone[has] = heads.probabilities("adult", modality, inputs, has)[:, 1]
        scores[modality] = chances, fitted.thresholds[modality]
        heads_only = np.stack([1 - alone, alone, 0 * alone, 0 * alone], axis=1)
        scores[f"{modality}, heads alone"] = heads_only, fitted.thresholds[modality]
    for name, (chances, thresholds) in scores.items():
        known = ~np.isnan(chances[:, 0])
        codes, shown = act(chances[known], thresholds)
        print(f"{name:22s} n {known.sum():4d} {figures(true[known], chances[known, 1], codes == 1, shown)}")
    rare(true, {name: chances for name, (chances, _) in scores.items()})


def specialised(catalogue: Catalogue, shop_fitted: PolicyRecognizer, test: np.ndarray, true: np.ndarray) -> None:
    """Pictures alone, with sellers given out anew so that three of thirty list nine in ten of the adult goods."""
    rng = np.random.default_rng(0)
    own = rng.random(len(true)) < np.where(true, 0.9, 0.03)
    sellers = np.where(own, rng.integers(0, 3, len(true)), rng.integers(3, 30, len(true))).astype(str).astype(object)
    for name, given in (("no seller", None), ("specialised sellers", sellers)):
        shop = replace(catalogue, sellers=given)
        fitted = fit_recognizer(shop, shop_fitted.heads)
        has = np.flatnonzero(shop.features("image")[1][test])
        chances = fitted.chances(listings_of(shop, fitted, test), "image", has)
        codes, shown = act(chances, fitted.thresholds["image"])
        strength = fitted.history.strength if fitted.history else None
        print(f"image, {name:20s} {figures(true[test][has], chances[:, 1], codes == 1, shown)} strength {strength}")


def figures(true: np.ndarray, chances: np.ndarray, decided: np.ndarray, shown: np.ndarray) -> str:
    """One line of figures."""
    budgets = " ".join(f"R@{b:.0%} {recall_at_budget(true, chances, b):.3f}" for b in (0.01, 0.05))
    truth = true.astype(float)
    brier = np.mean((chances - truth) ** 2)
    return (
        f"AP {average_precision(true, chances):.3f} {budgets} set {decided[true].mean():.3f} "
        f"set or shown {(decided | shown)[true].mean():.3f} shown {shown.mean():.4f} "
        f"false/10k {false_positives_per_10k(true, decided):.1f} mean chance {chances.mean():.3f} Brier {brier:.4f}"
    )


def rare(true: np.ndarray, scores: dict[str, np.ndarray]) -> None:
    """The same with so few adult goods left that a budget of one look in a hundred could show them all."""
    adult, others = np.flatnonzero(true), np.flatnonzero(~true)
    number = max(1, round(RARE_SHARE * len(others)))
    print(f"adult goods made rare: {number} of {len(others) + number}, mean of {len(SEEDS)} draws")
    for name, chances in scores.items():
        found = []
        for seed in SEEDS:
            kept = np.concatenate([others, np.random.default_rng(seed).choice(adult, number, replace=False)])
            kept = kept[~np.isnan(chances[kept, 0])]
            found.append([recall_at_budget(true[kept], chances[kept, 1], b) for b in (0.01, 0.05)])
        print(f"{name:22s} R@1% {np.nanmean(found, axis=0)[0]:.3f} R@5% {np.nanmean(found, axis=0)[1]:.3f}")


def disguises(catalogue: Catalogue, fitted: PolicyRecognizer, test: np.ndarray, true: np.ndarray, model: Path) -> None:
    """Recall of adult test titles in disguise, with and without undoing it; the tower sees the disguise in both."""
    from eclip.sample.words import NOUNS

    names = (name for key, both in NOUNS.items() if key.startswith("adult") for language in both for name in language)
    telling = {word.lower() for name in names for word in name.split()}
    encoder = load_model(model)
    rules = PolicyRecognizer.by_rules()
    for attack in ("", *ATTACKS):
        titles = list(catalogue.titles)
        for row in test[true]:
            if attack and titles[row]:
                titles[row] = attacked(str(titles[row]), attack, telling, seed=0)
        texts = catalogue.text_vectors.copy()
        texts[test[true]] = encoder.encode_text([titles[row] for row in test[true]])
        hidden = replace(catalogue, titles=titles, text_vectors=texts)
        bare = replace(hidden, image_vectors=np.full_like(catalogue.image_vectors, np.nan))
        line = [f"{attack or 'as they are':20s}"]
        read = undisguised([titles[row] for row in test[true]])
        again = texts.copy()
        again[test[true]] = encoder.encode_text(read)
        encoded = replace(hidden, text_vectors=again)
        for name, seen, judge in (
            ("rules", bare, rules),
            ("title", bare, fitted),
            ("both", hidden, fitted),
            ("both, read first", encoded, fitted),
        ):
            for undo in (False, True):
                judged = judge.judge(listings_of(seen, judge, test, undo_disguises=undo))
                chances, decided = judged.chances, judged.codes == 1
                adult = np.nan_to_num(chances[:, 1])
                line.append(
                    f"{name} {'undone' if undo else 'as is '} set {decided[true].mean():.2f} "
                    f"R@5% {recall_at_budget(true, adult, 0.05):.2f} AP {average_precision(true, adult):.3f} |"
                )
        print(" ".join(line))
    example = next(row for row in test[true] if titles[row])
    print("e.g.", [attacked(str(catalogue.titles[example]), attack, telling, seed=0) for attack in ATTACKS])


def vectors_of(catalogue: Catalogue, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Picture and title vectors of rows."""
    return catalogue.image_vectors[rows], catalogue.text_vectors[rows]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
