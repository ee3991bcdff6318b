"""Matching on public pairs: fit on the train part, judge the valid part, as the released commands do.

    python benchmarks/tasks/pairs.py [--sets Abt-Buy wdc-shoes] [--seeds 0 1 2] [--model NAME=FOLDER] [--out FILE.json]

Reads ECLIP_DATA/pairs/NAME/train.txt and valid.txt. Nothing is chosen on the valid part. Without --model a model of
recipe `text` and one step of eight pairs is trained first: it has learned from the file itself, so its cosines are left
out, and words, numbers and fields judge alone. With --model NAME=FOLDER ... the cosines of models that have not learned
from the train part count.
Prints F1, average precision, precision and recall where the folds promised .99, seconds and peak memory.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

import eclip
from eclip.metrics import average_precision, f1
from eclip.products.pairsfile import read_pairs_file

MARKS = {
    "Abt-Buy": 0.88,
    "Amazon-Google": 0.70,
    "Walmart-Amazon": 0.82,
    "wdc-cameras": 0.83,
    "wdc-computers": 0.83,
    "wdc-watches": 0.87,
    "wdc-shoes": 0.79,
}


def main() -> None:
    """Run the sets that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(MARKS), choices=list(MARKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--model", nargs="*", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    given = dict(each.split("=", 1) for each in asked.model)
    folder = Path(os.environ["ECLIP_DATA"]) / "pairs"
    rows = []
    with tempfile.TemporaryDirectory() as work:
        for name in asked.sets:
            for seed in asked.seeds:
                rows.append(run(folder / name, Path(work), seed=seed, given=given.get(name)))
                print(json.dumps(rows[-1]), flush=True)
    for name in asked.sets:
        of_seeds = [row["F1"] for row in rows if row["set"] == name]
        print(f"{name:16s} F1 {np.mean(of_seeds):.3f} ({min(of_seeds):.3f} to {max(of_seeds):.3f}), mark {MARKS[name]}")
    if asked.out:
        asked.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def run(data: Path, work: Path, *, seed: int, given: str | None) -> dict[str, object]:
    """Fit on the train part, judge the valid part."""
    model = work / data.name
    if given:
        shutil.copytree(given, model, dirs_exist_ok=True)
    elif not model.exists():
        eclip.train(data / "train.txt", recipe="text", steps=1, set=("batch.size=8",), seed=seed, out=model)
    started = time.monotonic(), time.process_time()
    fitted = eclip.fit(task="matching", pairs=data / "train.txt", model=model, seed=seed)
    judged = time.monotonic(), time.process_time()
    eclip.match(data / "valid.txt", model=model, out=work / "judged.csv")
    ended = time.monotonic(), time.process_time()
    with (work / "judged.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    truth = np.array([bool(label) for label in read_pairs_file(data / "valid.txt").labels])
    said = np.array([row["same"] == "1" for row in rows])
    scores = np.array([float(row["probability"]) for row in rows])
    strict = json.loads((model / "tasks" / "matching" / "task.json").read_text(encoding="utf-8"))["strict_threshold"]
    sure = scores >= strict if strict is not None else np.zeros(len(scores), dtype=bool)
    return {
        "set": data.name,
        "seed": seed,
        "F1": round(f1(truth, said), 4),
        "average_precision": round(average_precision(truth, scores), 4),
        "F1_on_folds_of_train": round(fitted.F1, 4),
        "precision_at_the_99_target": round(float(truth[sure].mean()), 4) if sure.any() else None,
        "recall_at_the_99_target": round(float(truth[sure].sum() / truth.sum()), 4),
        "fit_seconds": round(judged[0] - started[0], 1),
        "fit_processor_seconds": round(judged[1] - started[1], 1),
        "match_seconds": round(ended[0] - judged[0], 1),
        "match_processor_seconds": round(ended[1] - judged[1], 1),
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    main()
