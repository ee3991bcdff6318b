"""Print the figures of a report as the Markdown tables of docs/results.md.

python benchmarks/results_table.py DIR/report [...]
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from eclip.commands.evaluate import EvaluateSummary, read_evaluation
from eclip.tasks.results import Result

MIN_SUPPORT = 30  # test rows, below which a figure says little
UNSEEN = "whole store, titles never trained on"
# Rows: task, metric, targets (None = all).
ROWS = (
    ("category", "accuracy", None),
    ("category", "macro-F1", None),
    ("category", "top-5 accuracy", None),
    ("attributes", "accuracy", None),
    ("attributes", "macro-F1", None),
    ("matching", "F1", None),
    ("matching", "average precision", None),
    ("matching", "mate recall@1", None),
    ("clustering", "pairwise F1", None),
    ("clustering", "B-cubed F1", None),
    ("clustering", "ARI", None),
    ("clustering", "NMI", None),
    ("adult", "average precision", None),
    ("adult", "recall at precision 0.9", None),
    *(
        ("retrieval", metric, tuple(f"title to picture, {among}" for among in ("test split", "whole store", UNSEEN)))
        for metric in ("R@1", "R@10")
    ),
)
COLUMNS = (
    ("image", "eclip"),
    ("image", "pretrained"),
    ("text", "eclip"),
    ("text", "tf-idf"),
    ("text", "pretrained"),
    ("both", "eclip"),
    ("both", "pretrained"),
    ("both", "clip"),
)
# What vectors are worth without words of titles beside them, and words beside untrained vectors.
PARTED_ROWS = (
    ("category", "accuracy", None),
    ("attributes", "accuracy", None),
    ("adult", "average precision", None),
)
PARTED_COLUMNS = (
    ("text", "eclip vectors"),
    ("text", "pretrained"),
    ("both", "eclip vectors"),
    ("both", "pretrained"),
    ("both", "eclip"),
    ("both", "pretrained + words"),
)
MODALITY_WORDS = {"image": "picture", "text": "title", "both": "both"}


def table(evaluation: EvaluateSummary, rows: tuple, columns_wanted: tuple) -> Iterable[str]:
    """Lines of a table; the best value of a row is bold."""
    used = {(r.modality, r.method) for r in evaluation.results}
    columns = [column for column in columns_wanted if column in used]
    yield "| | " + " | ".join(f"{MODALITY_WORDS[modality]}: {method}" for modality, method in columns) + " |"
    yield "|---|" + "--:|" * len(columns)
    for task, metric, targets in rows:
        found = [r for r in evaluation.results if (r.task, r.metric) == (task, metric)]
        found = [r for r in found if (r.modality, r.method) in columns and r.support >= MIN_SUPPORT]
        for target in dict.fromkeys(r.target for r in found if targets is None or r.target in targets):
            yield row(f"{task}: {target}, {metric}", [r for r in found if r.target == target], columns)


def row(name: str, results: list[Result], columns: list[tuple[str, str]]) -> str:
    """One line: the figures of one target and metric."""
    values = {(r.modality, r.method): r.value for r in results}
    best = max(values.values())
    cells = [_cell(values.get(column), best) for column in columns]
    return f"| {name} | " + " | ".join(cells) + " |"


def _cell(value: float | None, best: float) -> str:
    if value is None:
        return ""
    text = f"{value:.3f}"
    return f"**{text}**" if value == best else text


def main() -> None:
    """Print a table for each report folder named on the command line."""
    for folder in sys.argv[1:]:
        print(f"\n{folder}\n")
        evaluation = read_evaluation(Path(folder))
        print("\n".join(table(evaluation, ROWS, COLUMNS)) + "\n")
        print("\n".join(table(evaluation, PARTED_ROWS, PARTED_COLUMNS)))


if __name__ == "__main__":
    main()
