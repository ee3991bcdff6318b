"""How well titles find pictures as training goes on: R@1 and R@10 of titles never trained on, over all pictures.

python benchmarks/train/quality.py STORE --out DIR --minutes 120 --set batch.size=512

Trains (or goes on), keeps a checkpoint every few minutes, and measures each of them once the run is over. A query is a
title of the test split that no product of the train split bears; relevant is every picture with that very title; R@k
is the share of the relevant pictures that are among the first k, as retrieval benchmarks count it. The corpus is all
pictures of the store, those of the train split too.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from eclip.console import say
from eclip.files import replace_file, write_text
from eclip.model.encoder import Encoder
from eclip.model.folder import load_model
from eclip.products.store import Store
from eclip.progress import stage
from eclip.schema import MODEL_RUN
from eclip.train.checkpoint import checkpoint_files, of_part, read_state
from eclip.train.recipes import load_recipe
from eclip.train.trainer import train_model

NUM_QUERIES = 2_000
KS = (1, 10)
PICTURES_AT_ONCE = 1_024
CURVE = "quality.json"


def main() -> None:
    """Train, then measure the checkpoints and the model."""
    arguments = parsed()
    keep = [f"checkpoints.every_seconds={arguments.every * 60}", "checkpoints.keep=1000"]
    config = load_recipe(arguments.recipe, settings=[*keep, *arguments.set], seed=arguments.seed)
    store, model = Store.open(arguments.store), arguments.out / "model"
    train_model(store, model, config, minutes=arguments.minutes, init=arguments.init)
    queries = Queries(store)
    encoder = load_model(model)
    points = [measured(queries, encoder, store) | {"minutes": None, "pairs": None, "name": "model"}]
    for path in checkpoint_files(model / MODEL_RUN):
        points.append(at_checkpoint(encoder, path) | measured(queries, encoder, store))
        write_text(arguments.out / CURVE, json.dumps(points, indent=1))
        say(json.dumps(points[-1]))
    plot(points[1:], arguments.out / "quality.png")


def parsed() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--recipe", default="small")
    parser.add_argument("--set", nargs="*", default=[], help="FIELD=VALUE")
    parser.add_argument("--init", type=Path)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--every", type=float, default=10, help="minutes between two points of the curve")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


class Queries:
    """Titles to search with, and which pictures are right.

    Attributes:
        titles: Q of them, each once.
        relevant: Rows of the store whose pictures are right for each.
    """

    def __init__(self, store: Store) -> None:
        rows = store.table(["title", "split", "image_hash"]).to_pylist()
        trained = {row["title"].casefold() for row in rows if row["split"] == "train" and row["title"]}
        bearing: dict[str, list[int]] = {}
        for number, row in enumerate(rows):
            if row["title"] and row["image_hash"]:
                bearing.setdefault(row["title"].casefold(), []).append(number)
        unseen = {
            row["title"].casefold(): row["title"]
            for row in rows
            if row["split"] == "test" and row["title"] and row["title"].casefold() not in trained
        }
        held_out = sorted(folded for folded in unseen if folded in bearing)
        chosen = np.random.default_rng(0).permutation(len(held_out))[:NUM_QUERIES]
        self.titles = [unseen[held_out[number]] for number in chosen]
        self.relevant = [bearing[held_out[number]] for number in chosen]


def measured(queries: Queries, encoder: Encoder, store: Store) -> dict[str, float]:
    """R@k of the queries, and the share of queries whose first k hold any right picture."""
    pictures = picture_vectors(store, encoder)
    rows = np.flatnonzero(~np.isnan(pictures[:, 0]))
    texts = encoder.encode_text(queries.titles)
    most = max(KS)
    found = np.empty((len(texts), most), dtype=np.int64)
    for start in range(0, len(texts), 256):
        scores = texts[start : start + 256] @ pictures[rows].T
        best = np.argpartition(-scores, most, axis=1)[:, :most]
        order = np.take_along_axis(scores, best, axis=1).argsort(axis=1)[:, ::-1]
        found[start : start + 256] = rows[np.take_along_axis(best, order, axis=1)]
    figures = {"queries": len(texts), "pictures": len(rows)}
    for k in KS:
        hits = [len(set(found[i, :k].tolist()) & set(right)) for i, right in enumerate(queries.relevant)]
        shares = [hit / len(right) for hit, right in zip(hits, queries.relevant, strict=True)]
        figures[f"R@{k}"] = round(float(np.mean(shares)), 4)
        figures[f"any@{k}"] = round(float(np.mean([hit > 0 for hit in hits])), 4)
    return figures


def picture_vectors(store: Store, encoder: Encoder) -> np.ndarray:
    """All pictures of the store [N, D], NaN rows where there is none; nothing is written into the store."""
    parts = []
    with stage("Looking at pictures", store.num_rows, unit="pictures") as advance:
        for start in range(0, store.num_rows, PICTURES_AT_ONCE):
            rows = list(range(start, min(start + PICTURES_AT_ONCE, store.num_rows)))
            parts.append(encoder.encode_image(store.images(rows)))
            advance(len(rows))
    return np.concatenate(parts)


def at_checkpoint(encoder: Encoder, path: Path) -> dict[str, float | str]:
    """Give the encoder the weights of a checkpoint that count (their average, where there is one); how far it is."""
    tensors, progress = read_state(path)
    encoder.module.load_state_dict(of_part(tensors, "extra.average") or of_part(tensors, "model"))
    return {"minutes": round(progress["elapsed_seconds"] / 60, 1), "pairs": progress["pairs"], "name": path.stem}


def plot(points: list[dict], path: Path) -> None:
    """R@k over minutes of training."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for k in KS:
        axes.plot([p["minutes"] for p in points], [p[f"R@{k}"] for p in points], "o-", label=f"R@{k}")
    axes.set(
        xlabel="minutes of training", ylabel="share of right pictures found", title="Held-out titles find pictures"
    )
    axes.grid(alpha=0.3)
    axes.legend()
    with replace_file(path) as aside:
        figure.savefig(aside, dpi=120, format="png")


if __name__ == "__main__":
    main()
