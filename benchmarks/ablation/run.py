"""Train every arm of an ablation with every seed on every store, and measure it; what is done is not done again.

python benchmarks/ablation/run.py --stores fashion=STORE shop=STORE --recipe locked --epochs 3 10 --out DIR
python benchmarks/ablation/table.py DIR

Each cell is a folder DIR/STORE/ARM/SEED: stopped at any time, the same command goes on with the step it was at.
Where the picture trunk is locked, what it says of a store's pictures is computed once for all cells.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import time
from pathlib import Path

from arms import Arm, read_arms
from measure import measure

from eclip.console import say
from eclip.files import write_text
from eclip.model.folder import load_model
from eclip.products.store import Store
from eclip.schema import MODEL_RUN
from eclip.train.picturecache import FOLDER as PICTURES
from eclip.train.recipes import load_recipe
from eclip.train.trainer import train_model
from eclip.train.watch import METRICS

HERE = Path(__file__).parent
RESULT = "result.json"


def main() -> None:
    """All cells that are not there yet, seed by seed, so that an early look compares like with like."""
    arguments = parsed()
    stores = dict(pair.split("=", 1) for pair in arguments.stores)
    epochs = arguments.epochs * len(stores) if len(arguments.epochs) == 1 else arguments.epochs
    if len(epochs) != len(stores):
        raise SystemExit(f"--epochs names {len(epochs)} numbers for {len(stores)} stores; give one, or one each")
    arms_of = {}
    for name, number in zip(stores, epochs, strict=True):
        base = load_recipe(arguments.recipe, settings=arguments.set, epochs=number)
        title, arms_of[name] = read_arms(arguments.arms, base)
    arguments.out.mkdir(parents=True, exist_ok=True)
    names = [arm.name for arm in arms_of[next(iter(stores))]]
    facts = {"title": title, "recipe": arguments.recipe, "epochs": epochs, "arms": names}
    write_text(arguments.out / "ablation.json", json.dumps(facts, indent=2))
    for seed in arguments.seeds:
        for name, place in stores.items():
            for arm in arms_of[name]:
                cell = arguments.out / name / arm.name / str(seed)
                if not (cell / RESULT).is_file():
                    say(f"{name}, {arm.name}, seed {seed}")
                    fill(cell, Store.open(place), arm, seed=seed)


def parsed() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", nargs="+", required=True, help="NAME=STORE each")
    parser.add_argument("--arms", type=Path, default=HERE / "techniques.toml")
    parser.add_argument("--recipe", default="small")
    parser.add_argument("--set", nargs="*", default=[], help="FIELD=VALUE for all arms")
    parser.add_argument("--epochs", type=float, nargs="+", default=[None], help="for all stores, or one number each")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def fill(cell: Path, store: Store, arm: Arm, *, seed: int) -> None:
    """Train, measure, and keep the figures and the log; the weights go."""
    started = time.monotonic()
    model, of_store = cell / "model", cell.parents[1]
    locked = arm.config.locked.pictures
    if locked:
        hand_on(of_store / PICTURES, model / MODEL_RUN / PICTURES)
    summary = train_model(store, model, dataclasses.replace(arm.config, seed=seed))
    if locked:
        hand_on(model / MODEL_RUN / PICTURES, of_store / PICTURES)
    # The same rows and pairs are drawn for every model.
    results = measure(store, load_model(model), seed=0, locked=of_store / "all-pictures" if locked else None)
    content = {
        "store": store.digest,
        "config": {**arm.config.to_json(), "seed": seed},
        "training": dataclasses.asdict(summary),
        "seconds": round(time.monotonic() - started),
        "results": [dataclasses.asdict(dataclasses.replace(each, draws=None)) for each in results],
    }
    shutil.copy(model / MODEL_RUN / METRICS, cell / METRICS)
    write_text(cell / RESULT, json.dumps(content, indent=1))
    shutil.rmtree(model)


def hand_on(source: Path, target: Path) -> None:
    """Let one run have the pictures' vectors of the run before it; what was interrupted has them already."""
    if source.is_dir() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)


if __name__ == "__main__":
    main()
