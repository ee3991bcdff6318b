"""`eclip evaluate`: how good the model and its tasks are, beside the baselines."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eclip.commands.arguments import StoreArgument, require_own_folder, require_positive, require_seed
from eclip.commands.fit import title_source
from eclip.files import writing

if TYPE_CHECKING:
    from eclip.model.encoder import Encoder
    from eclip.products.store import Store
    from eclip.tasks.catalogue import Catalogue
    from eclip.tasks.evaluation.judged import JudgedQuery
    from eclip.tasks.results import Gallery, Report, Result, Skipped


@dataclass(frozen=True)
class EvaluateSummary:
    """Where the report is, and every figure in it."""

    report: Path
    results: list[Result]
    skipped: dict[str, str]


def evaluate(
    store: StoreArgument,
    /,
    *,
    model: Path,
    out: Path,
    compare: Path | None = None,
    judged: Path | None = None,
    num_seeds: int = 1,
    seed: int = 0,
) -> EvaluateSummary:
    """Measure the five tasks and retrieval on the test split, and write the report.

    Each task from picture, title and both, with 95 % intervals, beside TF-IDF, the merely pretrained towers and the
    majority class.

    Args:
        store: With vectors of this model.
        model: With fitted tasks, by `eclip fit`.
        out: Folder for report.html and report.json.
        compare: Another model folder, such as one trained with --plain-clip, measured beside it in every table.
        judged: Your own judged queries: a file with columns query or image, product_id, grade.
        num_seeds: Fit tasks and baselines anew with so many seeds, and tell mean and spread; 1 = as fitted.
        seed: Of sampled queries and baselines.
    """
    from eclip.model.folder import load_model
    from eclip.products.store import Store
    from eclip.schema import REPORT_DATA, REPORT_DRAWS
    from eclip.tasks.catalogue import read_catalogue
    from eclip.tasks.evaluation.judged import known_queries, read_judged
    from eclip.tasks.evaluation.report import write_report

    started = time.monotonic()
    require_seed(seed)
    require_positive("num_seeds", num_seeds)
    require_own_folder("out", Path(out), marks=(REPORT_DATA, REPORT_DRAWS))
    opened, encoder = Store.open(store), load_model(model)
    catalogue = read_catalogue(opened, encoder.digest)
    queries, unknown = known_queries(read_judged(judged), set(catalogue.product_ids), judged) if judged else ([], None)
    report = _measured(opened, encoder, catalogue, Path(model), compare, num_seeds=num_seeds, seed=seed)
    if judged:
        _add_judged(report, opened, encoder, queries, unknown)
    report = dataclasses.replace(
        report,
        curves=[*report.curves, *_training_curves(Path(model))],
        galleries=_with_pictures(report.galleries, opened, catalogue),
        facts={**store_facts(opened, encoder, seed), **report.facts},
    )
    report.facts["seconds"] = f"{time.monotonic() - started:.0f}"
    with writing(Path(out)):
        page = write_report(report, Path(out))
    return EvaluateSummary(page, report.results, _reasons((each.task, each.reason) for each in report.skipped))


def _measured(
    store: Store,
    encoder: Encoder,
    catalogue: Catalogue,
    model: Path,
    compare: Path | None,
    *,
    num_seeds: int,
    seed: int,
) -> Report:
    """All tasks and baselines; the vectors of others are kept beside the store's own."""
    from eclip.schema import MODEL_TASKS
    from eclip.tasks.evaluation.seeds import evaluate_with_seeds

    with writing(store.place.cache):
        pretrained, skipped = _pretrained(store, catalogue)
        clip = other_vectors(store, catalogue, compare) if compare else None
    report = evaluate_with_seeds(
        catalogue,
        model / MODEL_TASKS,
        pretrained=pretrained,
        clip=clip,
        seed=seed,
        num_seeds=num_seeds,
        titles=title_source(store, encoder),
        encode_text=encoder.encode_text,
    )
    return dataclasses.replace(report, skipped=[*report.skipped, *skipped])


def read_evaluation(report: Path) -> EvaluateSummary:
    """The summary of an evaluation that was done before, from its report folder."""
    from eclip.schema import REPORT_PAGE
    from eclip.tasks.evaluation.report_data import read_report

    found = read_report(report)
    reasons = _reasons((each.task, each.reason) for each in found.skipped)
    return EvaluateSummary(report / REPORT_PAGE, found.results, reasons)


def _reasons(skipped: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By task, all reasons why parts of it were left out."""
    found: dict[str, list[str]] = {}
    for task, reason in skipped:
        found.setdefault(task, []).append(reason)
    return {task: "; ".join(reasons) for task, reasons in found.items()}


def _add_judged(
    report: Report, store: Store, encoder: Encoder, queries: list[JudgedQuery], unknown: str | None
) -> None:
    """Add the figures of judged queries, and what was left out of them."""
    from eclip.search.engine import SearchEngine
    from eclip.tasks.evaluation.judged_results import NAME, judged_results
    from eclip.tasks.results import Skipped

    report.results.extend(judged_results(store, SearchEngine(store, encoder), queries))
    report.facts["judged queries"] = f"{len(queries):,}"
    if unknown:
        report.skipped.append(Skipped(task=NAME, reason=unknown))


def _pretrained(store: Store, catalogue: Catalogue) -> tuple[Catalogue | None, list[Skipped]]:
    """The products as merely pretrained towers see them, or why there is no such baseline."""
    from eclip.embed.job import pretrained_vectors
    from eclip.errors import MissingExtraError
    from eclip.tasks.results import Skipped

    try:
        return catalogue.with_vectors(*pretrained_vectors(store)), []
    except MissingExtraError as error:
        return None, [Skipped(task="baseline pretrained", reason=str(error))]


def other_vectors(store: Store, catalogue: Catalogue, model: Path) -> Catalogue:
    """The same products as another model sees them; its vectors are kept in the store's cache."""
    import pyarrow.parquet as pq

    from eclip.embed.job import embed_listings, store_batches
    from eclip.model.folder import load_model
    from eclip.vectors import vectors_from_arrow

    encoder = load_model(model)
    kept = store.place.cache / f"compared-{encoder.digest}-{store.digest[:16]}.parquet"
    if not kept.is_file():
        batches = store_batches(store)
        embed_listings(batches, encoder, kept, num_rows=store.num_rows, source=store.digest)
    table = pq.read_table(kept)
    return catalogue.with_vectors(
        vectors_from_arrow(table["image_embedding"]), vectors_from_arrow(table["text_embedding"])
    )


def _training_curves(model: Path) -> list:
    from eclip.schema import MODEL_RUN
    from eclip.tasks.results import Curve
    from eclip.train.watch import read_log

    curves = []
    lines = read_log(model / MODEL_RUN)
    for key, name in (("loss_above_floor", "training"), ("validation_loss_above_floor", "validation")):
        points = [(line["step"], line[key]) for line in lines if key in line]
        if points:
            steps, values = zip(*points, strict=True)
            curves.append(
                Curve(
                    task="training",
                    name="loss above its floor",
                    modality="both",
                    method=name,
                    x_label="step",
                    y_label="loss above its floor",
                    x=list(map(float, steps)),
                    y=list(values),
                )
            )
    return curves


def _with_pictures(galleries: list[Gallery], store: Store, catalogue: Catalogue) -> list[Gallery]:
    """Fill in the pictures of the cards, which the tasks know by product id alone."""
    rows = {product_id: row for row, product_id in enumerate(catalogue.product_ids)}
    filled = []
    for gallery in galleries:
        images = store.images([rows[card.product_id] for card in gallery.cards])
        cards = [dataclasses.replace(c, image=i) for c, i in zip(gallery.cards, images, strict=True)]
        filled.append(dataclasses.replace(gallery, cards=cards))
    return filled


def store_facts(store: Store, encoder: Encoder, seed: int) -> dict[str, str]:
    """What a report says of the store and the model that it is about."""
    from eclip.version import __version__

    made = encoder.manifest["facts"]
    return {
        "store": f"{store.num_rows:,} listings, digest {store.digest[:16]}",
        "feed": str(store.manifest["feed"]["path"]),
        "model": f"{made.get('encoder')}, digest {encoder.digest}",
        "training": f"{made['run_epochs']:.1f} epochs of {made['training_pairs']:,} pairs "
        f"in {made['run_seconds'] / 60:.1f} minutes, seed {made['seed']}",
        "seed": str(seed),
        "eclip": __version__,
    }
