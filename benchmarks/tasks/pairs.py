"""Matching on public pairs: fit on the train part, judge the valid part, by the functions of the released commands.

    python benchmarks/tasks/pairs.py [--sets Abt-Buy wdc-shoes] [--seeds 0 1 2] [--model MODEL] [--out FILE.json]

Reads ECLIP_DATA/pairs/NAME/train.txt and valid.txt. Nothing is chosen on the valid part. Without --model words, numbers
and fields judge alone, as they do for a model that was trained on the train part itself (`eclip train PAIRS --recipe
text`, `eclip fit --task matching --pairs PAIRS`, `eclip match PAIRS`). With --model the cosines of one that has not
learned from these files count too. Prints F1, average precision, precision and recall where the folds promised .99,
seconds and peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from eclip.metrics import average_precision, f1
from eclip.products.pairsfile import read_pairs_file
from eclip.tasks.matching.pairfit import fit_on_pairs, judge_pairs
from eclip.tasks.matching.scorers import PairScorers
from eclip.tasks.taskfiles import read_task

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
    parser.add_argument("--model", type=Path)
    parser.add_argument("--forget", action="store_true", help="known mates of listings count for nothing")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    encode = None
    if asked.model:
        from eclip.model.folder import load_model

        encode = load_model(asked.model).encode_text
    folder = Path(os.environ["ECLIP_DATA"]) / "pairs"
    rows = []
    with tempfile.TemporaryDirectory() as work:
        for seed in asked.seeds:
            for name in asked.sets:
                rows.append(run(folder / name, Path(work), encode, seed=seed, recall=not asked.forget))
                print(json.dumps(rows[-1]), flush=True)
    for name in asked.sets:
        of_seeds = [row["F1"] for row in rows if row["set"] == name]
        print(f"{name:16s} F1 {np.mean(of_seeds):.3f} ({min(of_seeds):.3f} to {max(of_seeds):.3f}), mark {MARKS[name]}")
    if asked.out:
        asked.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def run(data: Path, work: Path, encode: Callable | None, *, seed: int, recall: bool) -> dict[str, object]:
    """Fit on the train part, judge the valid part."""
    train, valid = read_pairs_file(data / "train.txt"), read_pairs_file(data / "valid.txt")
    started = time.monotonic(), time.process_time()
    learned_from = None if encode else train.digest
    fitted = fit_on_pairs(
        train, encode or _never, work, model_digest="", learned_from=learned_from, seed=seed, recall=recall
    )
    content = read_task(work / "matching", "")
    judged = time.monotonic(), time.process_time()
    found = list(judge_pairs(valid, encode or _never, PairScorers.from_json(content["scorers"])))
    ended = time.monotonic(), time.process_time()
    truth = np.array([bool(label) for label in valid.labels])
    said, scores = np.array([each.same for each in found]), np.array([each.probability for each in found])
    strict = content["strict_threshold"]
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


def _never(titles: list[str]) -> np.ndarray:
    raise AssertionError(f"{len(titles)} titles to encode, though nobody looks at vectors")


if __name__ == "__main__":
    main()
