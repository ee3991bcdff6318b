"""Adult product recognition on stand-ins made of real products; nothing here is an adult product.

python benchmarks/adult/stand_ins.py groceries vectors.npy          # needs ECLIP_DATA
python benchmarks/adult/stand_ins.py innerwear STORE MODEL          # a store of fashion with vectors
python benchmarks/adult/stand_ins.py elsewhere STORE MODEL CLOTHES  # a drawn shop with vectors, stores of clothes

`groceries`: alcohol is `age-restricted`, titles alone, vectors of MiniLM (made once, kept in the file named). Terms
were looked at on the half of products that is learned from; figures are of the other half. `innerwear`: one type of
innerwear plays `adult`, the other types are its hard negatives, pictures and titles. `elsewhere`: what a shop's
recognizer says of clothes, innerwear and hosiery above all, from stores that it has never seen: all would be wrong.
"""

from __future__ import annotations

import csv
import os
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.adult.drawn_shop import figures, fitted_recognizer

from eclip.metrics import average_precision
from eclip.model.folder import load_model, read_manifest
from eclip.model.pretrained import PretrainedTowers
from eclip.products.store import Store
from eclip.schema import POLICIES, SPLITS
from eclip.tasks.adult.decisions import act
from eclip.tasks.adult.fit import listings_of
from eclip.tasks.adult.recognizer import PolicyRecognizer
from eclip.tasks.adult.witnesses import RULES
from eclip.tasks.catalogue import Catalogue, read_catalogue
from eclip.tasks.fit import head_targets
from eclip.tasks.heads.fit_lexical import fit_title_heads
from eclip.tasks.results import MODALITIES

PLAYS_ADULT = "Bra"  # leaf of fashion's innerwear
HARD = ("Innerwear", "Bra", "Underwear", "Lingerie", "Socks", "Tights", "Nightwear", "Swimwear", "Hosiery", "Briefs")
SEEN_ELSEWHERE = 750  # of each kind: as many as encode in a minute
OTHERS = 6000  # products of other categories that are kept beside innerwear


def groceries(vectors: Path) -> None:
    """Alcohol among groceries, from titles."""
    with (Path(os.environ["ECLIP_DATA"]) / "instacart" / "products.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    titles = [row["title"] for row in rows]
    if not vectors.exists():
        np.save(vectors, PretrainedTowers().encode_text(titles))
    texts = np.load(vectors)
    digests = [zlib.crc32(row["product_id"].encode()) for row in rows]
    split = [SPLITS[2] if each % 2 else SPLITS[1] if each // 2 % 5 == 0 else SPLITS[0] for each in digests]
    policies = [POLICIES[1] if row["age_restricted"] == "1" else None for row in rows]
    catalogue = made_catalogue(titles, split, policies, np.full((len(rows), 0), np.nan, dtype=np.float32), texts)
    report(catalogue, POLICIES[1], [row["aisle"] for row in rows])


def innerwear(store: Path, model: Path) -> None:
    """One type of innerwear among the others and clothes, from pictures and titles."""
    whole = read_catalogue(Store.open(store), read_manifest(model)["digest"])
    inner = np.array(["Innerwear" in path for path in whole.categories])
    plays = np.array([bool(path) and path[-1] == PLAYS_ADULT for path in whole.categories])
    others = np.random.default_rng(0).permutation(np.flatnonzero(~inner))[:OTHERS]
    kept = np.sort(np.concatenate([np.flatnonzero(inner), others]))
    policies = [POLICIES[0] if plays[row] else None for row in kept]
    catalogue = made_catalogue(
        [whole.titles[row] for row in kept],
        whole.split[kept].tolist(),
        policies,
        whole.image_vectors[kept],
        whole.text_vectors[kept],
    )
    report(catalogue, POLICIES[0], [" > ".join(whole.categories[row]) for row in kept])


def elsewhere(store: Path, model: Path, clothes: list[Path]) -> None:
    """How many clothes a drawn shop's recognizer accuses, with pictures and titles, and with pictures alone."""
    catalogue = read_catalogue(Store.open(store), read_manifest(model)["digest"])
    fitted, encoder = fitted_recognizer(catalogue), load_model(model)
    for path in clothes:
        table = Store.open(path).table(["title", "category", "image"])
        paths = [" > ".join(each or ()) for each in table["category"].to_pylist()]
        hard = np.array([any(word in each for word in HARD) for each in paths])
        shuffled = np.random.default_rng(0)
        picked = [shuffled.permutation(np.flatnonzero(mask))[:SEEN_ELSEWHERE] for mask in (hard, ~hard)]
        kept = np.concatenate(picked)
        table = table.take(kept)
        titles = table["title"].to_pylist()
        seen = encoder.encode_products(titles, table["image"].to_pylist())
        blank = np.full_like(seen.text, np.nan)
        for name, texts, words in (("both", seen.text, titles), ("pictures", blank, [None] * len(titles))):
            judged = fitted.judge(fitted.listings(seen.image, texts, words))
            parts = (("innerwear, hosiery", hard[kept]), ("other clothes", ~hard[kept]))
            for part, mask in parts:
                said, shown = np.sum(judged.codes[mask] > 0), np.sum(judged.review[mask])
                highest = np.nanmax(judged.chances[mask, 1], initial=0)
                print(f"{path.name} {name:9s} {part:18s} n {mask.sum()} set {said} shown {shown} highest {highest:.3f}")
            for place in np.argsort(-np.nan_to_num(judged.chances[:, 1]))[:5].tolist():
                chance = judged.chances[place, 1]
                print(f"      {chance:.3f} {titles[place]!r} ({paths[kept[place]]}), row {kept[place]}")


def made_catalogue(
    titles: list[str | None], split: list[str], policies: list[str | None], images: np.ndarray, texts: np.ndarray
) -> Catalogue:
    """A catalogue of titles, policies and vectors."""

    def objects(values: list) -> np.ndarray:
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array

    none = objects([None] * len(titles))
    return Catalogue(
        product_ids=objects([str(row) for row in range(len(titles))]),
        titles=titles,
        split=objects(split),
        categories=[()] * len(titles),
        attributes=[{}] * len(titles),
        catalog_ids=none,
        model_ids=none,
        image_hashes=none,
        policies=objects(policies),
        duplicate_of=none,
        image_vectors=images,
        text_vectors=texts,
    )


def report(catalogue: Catalogue, level: str, groups: list[str]) -> None:
    """Fit, print a line for each way to answer, and the wrong accusations to look at."""
    column = POLICIES.index(level) + 1
    targets, _ = head_targets(catalogue, ["adult"])
    words = fit_title_heads(catalogue, targets, seed=0)
    test = catalogue.rows_of(SPLITS[2])
    true = catalogue.policies[test] == level
    terms = words["adult"].terms.features([catalogue.titles[row] for row in test])
    tf_idf = words["adult"].linear.probabilities("adult", terms)[:, 1]
    print(f"test {len(test)}, {level} {true.sum()}; TF-IDF alone: AP {average_precision(true, tf_idf):.3f}")
    fitted = fitted_recognizer(catalogue)
    bare = replace(fitted, weights={name: without_terms(each) for name, each in fitted.weights.items()})
    judges = {"rules alone": PolicyRecognizer.by_rules(), "fitted": fitted, "fitted, terms unused": bare}
    for name, judge in judges.items():
        listings = listings_of(catalogue, judge, test)
        routes = MODALITIES if judge.heads else ("",)
        for modality in routes:
            rows = np.arange(len(test))
            if modality and modality not in judge.weights:
                continue
            chances = judge.judge(listings).chances
            if modality in ("image", "text"):
                rows = np.flatnonzero(catalogue.features(modality)[1][test])
                chances = judge.chances(listings, modality, rows)
            codes, shown = act(chances, judge.thresholds[modality or RULES])
            decided = codes == column
            print(f"{name:20s} {modality:6s} {figures(true[rows], chances[:, column], decided, shown)}")
            accused = np.flatnonzero(decided & ~true[rows])[:12].tolist()
            for place in accused:
                row = test[rows[place]]
                print(f"      wrongly: {catalogue.titles[row]!r} ({groups[row]}) {chances[place, column]:.2f}")


def without_terms(weights):  # noqa: ANN001, ANN201
    """Weights with those of terms at zero."""
    kept = weights.weights.copy()
    kept[:, 1:3] = 0
    return type(weights)(kept, weights.bias)


if __name__ == "__main__":
    part, *names = sys.argv[1:]
    paths = [Path(name) for name in names]
    if part == "groceries":
        groceries(paths[0])
    elif part == "innerwear":
        innerwear(paths[0], paths[1])
    else:
        elsewhere(paths[0], paths[1], paths[2:])
