"""`eclip compare`: what a second report or model is worse at than a first, what better, and what may be chance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from eclip.commands.arguments import require_own_folder, require_seed
from eclip.commands.evaluate import other_vectors, store_facts
from eclip.errors import ConfigError, StoreError
from eclip.files import writing

if TYPE_CHECKING:
    from eclip.model.encoder import Encoder
    from eclip.products.store import Store
    from eclip.tasks.catalogue import Catalogue
    from eclip.tasks.evaluation.comparison import Difference
    from eclip.tasks.results import Report

FirstArgument = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="A")]
SecondArgument = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="B")]


@dataclass(frozen=True)
class CompareSummary:
    """Where the comparison is, and every difference in it, losses of the second first."""

    page: Path
    first: str
    second: str
    differences: list[Difference]
    remarks: list[str]


def compare(
    a: FirstArgument, b: SecondArgument, /, *, out: Path, store: str | Path | None = None, seed: int = 0
) -> CompareSummary:
    """Compare two reports, or two models on one store, figure by figure, with what may be chance.

    Args:
        a: A report's folder or report.json, or with --store a model.
        b: Likewise; what is told is how it stands beside A.
        out: Folder for comparison.html and comparison.json; of two models, for their reports as well.
        store: Embedded by one of the two models, whose tasks are fitted (eclip fit).
        seed: Of what is sampled, where models are compared.
    """
    from eclip.schema import COMPARISON_DATA, MODEL_MANIFEST
    from eclip.tasks.evaluation.comparison import compare_reports
    from eclip.tasks.evaluation.comparison_page import write_comparison
    from eclip.tasks.evaluation.report_data import read_report

    require_seed(seed)
    require_own_folder("out", out, marks=(COMPARISON_DATA, "a"))
    if store is None:
        for path in (a, b):
            if (path / MODEL_MANIFEST).is_file():
                raise ConfigError(f"{path}: is a model; to compare models, name the --store that they are measured on")
        first, second = read_report(a), read_report(b)
    else:
        first, second = _model_reports(store, (a, b), out, seed=seed)
    found = compare_reports(first, second)
    with writing(out):
        page = write_comparison(found, (str(a), str(b)), out)
    return CompareSummary(page, str(a), str(b), found.differences, found.remarks)


def _model_reports(store: str | Path, models: tuple[Path, Path], out: Path, *, seed: int) -> tuple[Report, Report]:
    """Measure two models on one store, over the same pairs and queries; their reports are written below `out`."""
    from eclip.model.folder import load_model
    from eclip.products.store import Store
    from eclip.schema import MODEL_TASKS, REPORT_DATA
    from eclip.tasks.evaluation.evaluate import evaluate_tasks
    from eclip.tasks.evaluation.report import write_report

    for model in models:
        if (model / REPORT_DATA).is_file():
            raise ConfigError(f"{model}: is a report; compare reports without --store, or name two models")
    opened, encoders = Store.open(store), [load_model(model) for model in models]
    with writing(opened.place.cache):
        views = _views(opened, encoders, models)
    reports = []
    for place, name in ((0, "a"), (1, "b")):
        # Test pairs are hard for both: the other one's vectors stand beside each.
        report = evaluate_tasks(views[place], models[place] / MODEL_TASKS, clip=views[1 - place], seed=seed)
        report = replace(report, facts={**store_facts(opened, encoders[place], seed), **report.facts})
        write_report(report, out / name)
        reports.append(report)
    return reports[0], reports[1]


def _views(store: Store, encoders: list[Encoder], models: tuple[Path, Path]) -> list[Catalogue]:
    """The store's products as each model sees them."""
    from eclip.tasks.catalogue import read_catalogue

    held = store.vectors_digest
    if held not in [encoder.digest for encoder in encoders]:
        raise StoreError(f"the store holds vectors of neither model: run `eclip embed STORE --model {models[0]}` first")
    base = read_catalogue(store, held)
    return [
        base if encoder.digest == held else replace(other_vectors(store, base, model), model_digest=encoder.digest)
        for encoder, model in zip(encoders, models, strict=True)
    ]
