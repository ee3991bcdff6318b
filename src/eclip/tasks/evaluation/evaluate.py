"""Measure every task on the test split: our vectors, then the baselines, in one table.

Baselines are fitted here, on the same rows and with the same seeds: TF-IDF on titles, and the same heads
over the vectors of towers that are merely pretrained. Pair tasks are in `eclip.tasks.evaluation.pairs`.
"""

from __future__ import annotations

import platform
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from eclip.errors import StoreError
from eclip.progress import stage
from eclip.schema import SPLITS
from eclip.tasks.adult.results import policy_results, recognizer_results
from eclip.tasks.adult.targets import NAME as ADULT_TASK
from eclip.tasks.attributes.extraction import TitleSource
from eclip.tasks.attributes.measure import fitted_results, title_results
from eclip.tasks.attributes.results import attribute_results
from eclip.tasks.attributes.targets import NAME as ATTRIBUTES
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.category.results import category_results
from eclip.tasks.category.targets import NAME as CATEGORY
from eclip.tasks.evaluation.leaves import leaf_decisions, leaf_mistakes
from eclip.tasks.evaluation.mates import mate_cells, title_cell
from eclip.tasks.evaluation.pairs import evaluate_pair_tasks
from eclip.tasks.evaluation.products import product_buckets, without_straddling
from eclip.tasks.evaluation.retrieval import retrieval_results, search_galleries
from eclip.tasks.evaluation.scored import Scored, scored_heads, scored_majority, scored_titles
from eclip.tasks.features import present_rows
from eclip.tasks.fit import HEAD_TASKS, fit_modal_heads, head_targets
from eclip.tasks.heads.fit_calibration import calibrated
from eclip.tasks.heads.fit_lexical import add_lexical, fit_title_heads
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.matching.groups import product_groups
from eclip.tasks.results import (
    CLIP,
    CLIP_WORDS,
    METHODS,
    MODALITIES,
    OUR_METHOD,
    OUR_VECTORS,
    PRETRAINED,
    PRETRAINED_WORDS,
    TF_IDF,
    Curve,
    Report,
    Result,
    Skipped,
)
from eclip.tasks.taskfiles import TASK_FILE, TASKS, read_task

EVALUATED_TASKS = (*TASKS, "retrieval")


def evaluate_tasks(
    catalogue: Catalogue,
    folder: Path,
    *,
    pretrained: Catalogue | None = None,
    clip: Catalogue | None = None,
    titles: TitleSource | None = None,
    seed: int,
) -> Report:
    """Evaluate what `fit_tasks` wrote, and the baselines beside it.

    Args:
        catalogue: Products with the model's vectors.
        folder: MODEL/tasks.
        pretrained: The same products as merely pretrained towers see them; None = no such baseline.
        clip: The same products as another model sees them, such as a plain CLIP of equal budget; None = none.
        titles: What values in titles were learned from; None = they are not measured.
        seed: Of the fitted baselines and of all sampling.

    Raises:
        StoreError: A baseline's catalogue is of other products.
        ModelError: A fitted task is damaged.
    """
    started = time.monotonic()
    for other in (pretrained, clip):
        if other is not None and not np.array_equal(other.product_ids, catalogue.product_ids):
            raise StoreError("a baseline's vectors are of other products than the store's: embed it again")
    report = Report()
    catalogue, straddling = without_straddling(catalogue)
    report.skipped.extend([straddling] if straddling else [])
    others = {
        method: replace(other, split=catalogue.split)
        for method, other in ((PRETRAINED, pretrained), (CLIP, clip))
        if other is not None
    }
    if not len(catalogue.rows_of(SPLITS[2])):
        report.skipped.extend(Skipped(task=task, reason="the test split has no products") for task in EVALUATED_TASKS)
    else:
        buckets = product_buckets(catalogue)
        _evaluate_heads(report, catalogue, folder, others, titles=titles, seed=seed, buckets=buckets)
        evaluate_pair_tasks(report, catalogue, folder, others, seed=seed, buckets=buckets)
        _evaluate_retrieval(report, catalogue, others, seed=seed, buckets=buckets)
    report.facts.update(_facts(catalogue, seed, time.monotonic() - started))
    order = {task: place for place, task in enumerate(EVALUATED_TASKS)}
    # Metrics stay in the order in which their task names them: the first is its headline.
    report.results.sort(key=lambda r: (order[r.task], r.target, METHODS.index(r.method), MODALITIES.index(r.modality)))
    return report


def _evaluate_heads(
    report: Report,
    catalogue: Catalogue,
    folder: Path,
    others: dict[str, Catalogue],
    *,
    titles: TitleSource | None,
    seed: int,
    buckets: np.ndarray,
) -> None:
    """Category, attributes and adult."""
    targets, skipped = head_targets(catalogue, HEAD_TASKS)
    for reasons in skipped.values():
        report.skipped.extend(reasons)
    fitted = {task: folder / task for task in HEAD_TASKS if targets[task]}
    for task in [task for task, path in fitted.items() if not (path / TASK_FILE).exists()]:
        report.skipped.append(Skipped(task=task, reason="not fitted: run `eclip fit STORE --model MODEL`"))
        del fitted[task]
    targets = {task: targets[task] for task in fitted}
    for path in fitted.values():
        read_task(path, catalogue.model_digest)
    ours = {task: ModalHeads.load(path) for task, path in fitted.items()}
    scored = list(scored_heads(catalogue, targets, ours, OUR_METHOD))
    if any(heads.lexical for heads in ours.values()):
        wordless = {t: each.without_words() for t, each in ours.items()}
        scored += scored_heads(catalogue, targets, calibrated(catalogue, targets, wordless), OUR_VECTORS)
    words = fit_title_heads(catalogue, targets, seed=seed, method=TF_IDF)
    scored += scored_titles(catalogue, targets, words)
    for method, with_words in ((PRETRAINED, PRETRAINED_WORDS), (CLIP, CLIP_WORDS)):
        if method in others:
            view = others[method]
            theirs = fit_modal_heads(view, targets, seed=seed, method=method)
            scored += scored_heads(view, targets, calibrated(view, targets, theirs), method)
            mixed = calibrated(view, targets, add_lexical(view, targets, theirs, words))
            scored += scored_heads(view, targets, mixed, with_words)
    scored += scored_majority(catalogue, targets)
    for each in scored:
        if each.method != OUR_METHOD or each.task not in (ATTRIBUTES, ADULT_TASK):  # more than heads speak there
            _add_results(report, catalogue, each, buckets[each.rows])
    if ATTRIBUTES in fitted:
        report.results.extend(fitted_results(catalogue, fitted[ATTRIBUTES], buckets=buckets))
        report.results.extend(title_results(catalogue, fitted[ATTRIBUTES], titles) if titles else [])
    if ADULT_TASK in fitted:
        for found in recognizer_results(catalogue, fitted[ADULT_TASK], buckets=buckets):
            _add_policies(report, found)
    leaves = [s for s in scored if s.task == CATEGORY and s.method == OUR_METHOD]
    _add_leaves(report, catalogue, folder / CATEGORY, leaves, buckets=buckets)


def _add_leaves(
    report: Report, catalogue: Catalogue, folder: Path, leaves: list[Scored], *, buckets: np.ndarray
) -> None:
    """How the category is decided where the leaf is not sure enough, and the most confident mistakes."""
    for each in leaves:
        seen = (catalogue, folder, each.rows, each.target.labels, each.scores)
        results, curve = leaf_decisions(*seen, modality=each.modality, buckets=buckets[each.rows])
        report.results.extend(results)
        report.curves.append(curve)
    if leaves:
        richest = max(leaves, key=lambda s: MODALITIES.index(s.modality))
        report.galleries.append(
            leaf_mistakes(catalogue, richest.target.labels, richest.rows, richest.scores, richest.modality)
        )


def _add_results(report: Report, catalogue: Catalogue, scored: Scored, buckets: np.ndarray) -> None:
    """Figures of scored rows [n] whose products fall into `buckets` [n]."""
    labels, place = scored.target.labels, {"modality": scored.modality, "method": scored.method}
    if scored.task == CATEGORY:
        paths = [catalogue.categories[row] for row in scored.rows]
        report.results.extend(category_results(paths, labels, scored.scores, **place, buckets=buckets))
    elif scored.task == ATTRIBUTES:
        name = scored.target.name
        values = [catalogue.attributes[row][name] for row in scored.rows]
        report.results.extend(attribute_results(name, values, labels, scored.scores, **place, buckets=buckets))
    else:
        policies = catalogue.policies[scored.rows]
        method, modality = scored.method, scored.modality
        found = policy_results(policies, labels, scored.scores, modality=modality, method=method, buckets=buckets)
        _add_policies(report, found)


def _add_policies(report: Report, found: tuple[list[Result], list[Curve], list[Skipped]]) -> None:
    report.results.extend(found[0])
    report.curves.extend(found[1])
    report.skipped.extend(found[2])


def _evaluate_retrieval(
    report: Report, catalogue: Catalogue, others: dict[str, Catalogue], *, seed: int, buckets: np.ndarray
) -> None:
    groups = product_groups(catalogue)
    with stage("Searching across modalities", None, unit="methods") as advance:
        for method, vectors in ((OUR_METHOD, catalogue), *others.items()):
            found = retrieval_results(vectors, method=method, seed=seed, buckets=buckets)
            if isinstance(found, Skipped):
                report.skipped.append(found)
            else:
                report.results.extend(found)
            if not isinstance(groups, Skipped):
                report.results.extend(mate_cells(vectors, groups, method=method, seed=seed, buckets=buckets))
            advance(1)
        if not isinstance(groups, Skipped):
            report.results.extend(title_cell(catalogue, groups, method=TF_IDF, seed=seed, buckets=buckets))
        report.galleries.extend(search_galleries(catalogue, seed=seed))


def _facts(catalogue: Catalogue, seed: int, seconds: float) -> dict[str, str]:
    """What a reader needs to judge the figures; the caller adds store, model and command."""
    from importlib.metadata import version

    facts = {"products": f"{catalogue.num_rows:,}"}
    facts |= {f"{split} products": f"{len(catalogue.rows_of(split)):,}" for split in SPLITS}
    facts["with picture"] = f"{int(present_rows(catalogue.image_vectors).sum()):,}"
    facts["with title"] = f"{int(present_rows(catalogue.text_vectors).sum()):,}"
    facts |= {"seed": str(seed), "seconds": f"{seconds:.0f}", "python": platform.python_version()}
    return facts | {name: version(name) for name in ("numpy", "scikit-learn", "torch")}
