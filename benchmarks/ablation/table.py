"""Tables, a plot and a sign test of what `run.py` has measured so far.

python benchmarks/ablation/table.py DIR [...]
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev

from matplotlib.figure import Figure
from scipy.stats import binomtest

from eclip.files import replace_file

# One figure a task and target: task, metric, targets (None = all).
FIGURES = (
    ("category", "accuracy", ("leaf",)),
    ("attributes", "accuracy", None),
    ("matching", "average precision", None),
    ("clustering", "pairwise F1", None),
    ("adult", "average precision", None),
    ("retrieval", "R@1", ("title to picture, whole store",)),
    ("retrieval", "R@10", ("title to picture, whole store",)),
    ("retrieval", "R@10", ("title to picture, whole store, titles never trained on",)),
)
MIN_SUPPORT = 30
LABELLED = ("category", "attributes", "matching", "clustering", "adult")

Key = tuple[str, str, str, str, str]  # store, task, target, metric, modality


@dataclass
class Measured:
    """Values of one ablation.

    Attributes:
        title: What it is about.
        arms: In the order of the file.
        values: Figure -> arm -> seed -> value.
    """

    title: str
    arms: Sequence[str]
    values: dict[Key, dict[str, dict[int, float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )

    def mean(self, key: Key, arm: str) -> float:
        """Over the seeds that all arms have."""
        return mean(self.values[key][arm][seed] for seed in self.seeds(key))

    def spread(self, key: Key, arm: str) -> float:
        """Standard deviation over seeds; 0 for one."""
        found = [self.values[key][arm][seed] for seed in self.seeds(key)]
        return stdev(found) if len(found) > 1 else 0.0

    def seeds(self, key: Key) -> list[int]:
        """Seeds that every arm was trained with."""
        by_arm = [set(self.values[key][arm]) for arm in self.arms]
        return sorted(set.intersection(*by_arm))

    def figures(self) -> list[Key]:
        """Figures that every arm has with some seed."""
        return [key for key in self.values if self.seeds(key)]


def read(folder: Path) -> Measured:
    """All cells of an ablation that are done."""
    facts = json.loads((folder / "ablation.json").read_text(encoding="utf-8"))
    measured = Measured(facts["title"], facts["arms"])
    for path in sorted(folder.glob("*/*/*/result.json")):
        store, arm, seed = path.parts[-4:-1]
        for each in json.loads(path.read_text(encoding="utf-8"))["results"]:
            if wanted(each):
                key = (store, each["task"], each["target"], each["metric"], each["modality"])
                measured.values[key][arm][int(seed)] = each["value"]
    return measured


def wanted(result: dict) -> bool:
    """Whether a figure is one of the table's."""
    return result["support"] >= MIN_SUPPORT and any(
        (result["task"], result["metric"]) == (task, metric) and (targets is None or result["target"] in targets)
        for task, metric, targets in FIGURES
    )


def lines(measured: Measured) -> Iterator[str]:
    """The table in Markdown: a figure a row, an arm a column, mean and spread over seeds."""
    keys = measured.figures()
    yield f"| {measured.title} | seeds | {' | '.join(measured.arms)} |"
    yield "| --- | --: |" + " --: |" * len(measured.arms)
    for key in keys:
        values = [measured.mean(key, arm) for arm in measured.arms]
        cells = [
            f"{'**' if value == max(values) else ''}{value:.3f}{'**' if value == max(values) else ''}"
            f" ± {measured.spread(key, arm):.3f}"
            for value, arm in zip(values, measured.arms, strict=True)
        ]
        yield f"| {', '.join(key)} | {len(measured.seeds(key))} | {' | '.join(cells)} |"
    labelled = [key for key in keys if key[1] in LABELLED]
    if labelled:
        means = [mean(measured.mean(key, arm) for key in labelled) for arm in measured.arms]
        yield f"| mean of the labelled figures | | {' | '.join(f'{value:.4f}' for value in means)} |"


def sign_tests(measured: Measured) -> Iterator[str]:
    """Each arm against the first one, over the means of all labelled figures."""
    first, *others = measured.arms
    labelled = [key for key in measured.figures() if key[1] in LABELLED]
    for arm in others:
        gains = [measured.mean(key, arm) - measured.mean(key, first) for key in labelled]
        better, worse = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
        if better + worse:
            p = binomtest(better, better + worse).pvalue
            lost = [
                key
                for key, gain in zip(labelled, gains, strict=True)
                if -gain > max(measured.spread(key, arm), measured.spread(key, first))
            ]
            yield (
                f"{arm} against {first}: {better} figures better, {worse} worse (sign test p = {p:.3g}); lost beyond "
                f"the spread of seeds: {'; '.join(', '.join(key) for key in lost) or 'none'}"
            )


def plot(measured: Measured, path: Path) -> None:
    """Gain over the first arm, a dot a figure, the mean as a bar."""
    first = measured.arms[0]
    tasks = sorted({key[1] for key in measured.figures()})
    figure = Figure(figsize=(1.8 * len(measured.arms) + 2, 4.5), layout="constrained")
    axes = figure.subplots()
    for number, task in enumerate(tasks):
        for place, arm in enumerate(measured.arms):
            gains = [measured.mean(k, arm) - measured.mean(k, first) for k in measured.figures() if k[1] == task]
            shift = place + 0.12 * (number - (len(tasks) - 1) / 2)
            label = task if place == 0 else None
            axes.plot([shift] * len(gains), gains, "o", color=f"C{number}", label=label, alpha=0.6)
            axes.plot([shift - 0.05, shift + 0.05], [mean(gains)] * 2, color=f"C{number}", linewidth=3)
    axes.axhline(0, color="grey", linewidth=1)
    axes.set_xticks(range(len(measured.arms)), measured.arms, rotation=20)
    axes.set(ylabel=f"gain over {first}", title=measured.title)
    axes.legend()
    with replace_file(path) as aside:
        figure.savefig(aside, dpi=120, format="png")


def main() -> None:
    """Print what each folder holds and draw its plot into it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    for folder in parser.parse_args().folders:
        measured = read(folder)
        print(*lines(measured), "", *sign_tests(measured), sep="\n")
        plot(measured, folder / "gains.png")
        print(f"\nplot: {folder / 'gains.png'}")


if __name__ == "__main__":
    main()
