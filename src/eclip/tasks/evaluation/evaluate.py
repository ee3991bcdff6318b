"""Measure every task on the test split: our vectors, then the baselines, in one table.

Baselines are fitted here, on the same rows and with the same seeds: TF-IDF on titles, and the same heads
over the vectors of towers that are merely pretrained. Pair tasks are in `eclip.tasks.evaluation.pairs`.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eclip.errors import StoreError
from eclip.progress import stage
from eclip.schema import SPLITS
from eclip.tasks.adult.results import adult_results
from eclip.tasks.adult.targets import ADULT
from eclip.tasks.adult.targets import NAME as ADULT_TASK
from eclip.tasks.attributes.answers import AttributeExtractor
from eclip.tasks.attributes.measure import extraction_results
from eclip.tasks.attributes.results import attribute_results
from eclip.tasks.attributes.targets import NAME as ATTRIBUTES
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.category.results import category_results
from eclip.tasks.category.targets import NAME as CATEGORY
from eclip.tasks.category.targets import label_path, path_label
from eclip.tasks.evaluation.pairs import evaluate_pair_tasks
from eclip.tasks.evaluation.retrieval import retrieval_results, search_galleries
from eclip.tasks.features import present_rows
from eclip.tasks.fit import HEAD_TASKS, fit_modal_heads, head_targets
from eclip.tasks.heads.fit_lexical import COMBINED, add_lexical, fit_title_heads
from eclip.tasks.heads.lexical import LexicalHeads
from eclip.tasks.heads.linear import Target
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.results import METHODS, MODALITIES, Card, Gallery, Report, Skipped
from eclip.tasks.taskfiles import TASK_FILE, TASKS, read_task

EVALUATED_TASKS = (*TASKS, "retrieval")
NUM_MISTAKES = 12
ECLIP, ECLIP_VECTORS, TF_IDF, PRETRAINED, PRETRAINED_WORDS, CLIP = METHODS


@dataclass(frozen=True, kw_only=True)
class _Scored:
    """Class probabilities of test rows by one modality and method."""

    task: str
    target: Target
    modality: str
    method: str
    rows: np.ndarray  # [n]
    scores: np.ndarray  # [n, C]


def evaluate_tasks(
    catalogue: Catalogue,
    folder: Path,
    *,
    pretrained: Catalogue | None = None,
    clip: Catalogue | None = None,
    seed: int,
) -> Report:
    """Evaluate what `fit_tasks` wrote, and the baselines beside it.

    Args:
        catalogue: Products with the model's vectors.
        folder: MODEL/tasks.
        pretrained: The same products as merely pretrained towers see them; None = no such baseline.
        clip: The same products as a plain CLIP of equal budget sees them, for retrieval; None = none.
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
    if not len(catalogue.rows_of(SPLITS[2])):
        report.skipped.extend(Skipped(task=task, reason="the test split has no products") for task in EVALUATED_TASKS)
    else:
        _evaluate_heads(report, catalogue, folder, pretrained, seed=seed)
        evaluate_pair_tasks(report, catalogue, folder, pretrained, seed=seed)
        _evaluate_retrieval(report, catalogue, clip, seed=seed)
    report.facts.update(_facts(catalogue, seed, time.monotonic() - started))
    order = {task: place for place, task in enumerate(EVALUATED_TASKS)}
    report.results.sort(
        key=lambda r: (
            order[r.task],
            r.target,
            r.metric,
            METHODS.index(r.method),
            MODALITIES.index(r.modality),
        )
    )
    return report


def _evaluate_heads(
    report: Report, catalogue: Catalogue, folder: Path, pretrained: Catalogue | None, *, seed: int
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
    scored = list(_scored_heads(catalogue, targets, ours, ECLIP))
    if any(heads.lexical for heads in ours.values()):
        scored += _scored_heads(
            catalogue, targets, {t: each.without_words() for t, each in ours.items()}, ECLIP_VECTORS
        )
    words = fit_title_heads(catalogue, targets, seed=seed, method=TF_IDF)
    scored += _scored_titles(catalogue, targets, words)
    if pretrained is not None:
        theirs = fit_modal_heads(pretrained, targets, seed=seed, method=PRETRAINED)
        scored += _scored_heads(pretrained, targets, theirs, PRETRAINED)
        scored += _scored_heads(pretrained, targets, add_lexical(pretrained, targets, theirs, words), PRETRAINED_WORDS)
    for each in scored:
        if (each.task, each.method) != (ATTRIBUTES, ECLIP):
            _add_results(report, catalogue, each)
    if ATTRIBUTES in fitted:  # heads weighed against each other, and several values at once
        report.results.extend(
            extraction_results(catalogue, AttributeExtractor.load(fitted[ATTRIBUTES]).without_spans())
        )
    leaves = [s for s in scored if s.task == CATEGORY and s.method == ECLIP]
    if leaves:
        richest = max(leaves, key=lambda s: MODALITIES.index(s.modality))
        report.galleries.append(_mistakes(catalogue, richest))


def _scored_heads(
    catalogue: Catalogue, targets: dict[str, list[Target]], heads: dict[str, ModalHeads], method: str
) -> Iterator[_Scored]:
    """Answers of heads, for every modality of every target; those with and without words differ where titles are."""
    inputs = {
        task: heads[task].inputs(catalogue.image_vectors, catalogue.text_vectors, catalogue.titles) for task in targets
    }
    for modality in MODALITIES if method in (ECLIP, PRETRAINED) else COMBINED:
        _, mask = catalogue.features(modality)
        for task, group in targets.items():
            fitted = heads[task].by_modality.get(modality)
            for target in group:
                rows = _test_rows(catalogue, task, target.name, mask)
                if fitted is None or target.name not in fitted.heads or not len(rows):
                    continue
                # A head may have been fitted on an older state of the store: its own labels count.
                labels = heads[task].labels(modality, target.name)
                known = Target(name=target.name, labels=labels, codes=target.codes)
                if modality == "both":  # listings that lack one of the two are answered by the other
                    scores = heads[task].routed_probabilities(target.name, inputs[task], rows)
                else:
                    scores = heads[task].probabilities(target.name, modality, inputs[task], rows)
                yield _Scored(task=task, target=known, modality=modality, method=method, rows=rows, scores=scores)


def _scored_titles(
    catalogue: Catalogue, targets: dict[str, list[Target]], words: dict[str, LexicalHeads]
) -> Iterator[_Scored]:
    """Answers of TF-IDF on titles."""
    has_title = np.array([bool(title) for title in catalogue.titles], dtype=bool)
    for task, heads in words.items():
        for target in targets[task]:
            rows = _test_rows(catalogue, task, target.name, has_title)
            if target.name not in heads.linear.heads or not len(rows):
                continue
            terms = heads.terms.features([catalogue.titles[row] for row in rows])
            scores = heads.linear.probabilities(target.name, terms)
            yield _Scored(task=task, target=target, modality="text", method=TF_IDF, rows=rows, scores=scores)


def _test_rows(catalogue: Catalogue, task: str, name: str, mask: np.ndarray) -> np.ndarray:
    """Test rows with the modality whose truth is known."""
    rows = np.flatnonzero(mask & catalogue.within(SPLITS[2]))
    if task == CATEGORY:
        return rows[[bool(catalogue.categories[row]) for row in rows]] if len(rows) else rows
    if task == ATTRIBUTES:
        return rows[[name in catalogue.attributes[row] for row in rows]] if len(rows) else rows
    return rows


def _add_results(report: Report, catalogue: Catalogue, scored: _Scored) -> None:
    modality, method, labels = scored.modality, scored.method, scored.target.labels
    if scored.task == CATEGORY:
        paths = [catalogue.categories[row] for row in scored.rows]
        report.results.extend(category_results(paths, labels, scored.scores, modality=modality, method=method))
    elif scored.task == ATTRIBUTES:
        name = scored.target.name
        values = [catalogue.attributes[row][name] for row in scored.rows]
        report.results.extend(attribute_results(name, values, labels, scored.scores, modality=modality, method=method))
    else:
        truth = catalogue.policies[scored.rows] == ADULT
        if not truth.any():
            reason = f"{modality}, {method}: no test product has the policy {ADULT!r}"
            report.skipped.append(Skipped(task=ADULT_TASK, reason=reason))
            return
        results, curves = adult_results(truth, scored.scores[:, labels.index(ADULT)], modality=modality, method=method)
        report.results.extend(results)
        report.curves.extend(curves)


def _mistakes(catalogue: Catalogue, scored: _Scored) -> Gallery:
    """The most confident wrong categories: often the feed's own mistakes."""
    best = scored.scores.argmax(axis=1)
    confidences = scored.scores.max(axis=1)
    wrong = [
        place
        for place in np.argsort(-confidences, kind="stable")
        if label_path(scored.target.labels[best[place]]) != catalogue.categories[scored.rows[place]]
    ]
    cards = []
    for place in wrong[:NUM_MISTAKES]:
        row = scored.rows[place]
        said, true = scored.target.labels[best[place]], path_label(catalogue.categories[row])
        note = f"said {said} ({confidences[place]:.2f}), is {true}"
        cards.append(Card(product_id=str(catalogue.product_ids[row]), title=catalogue.titles[row], note=note))
    return Gallery(kind="mistake", title=f"Most confident wrong categories ({scored.modality})", cards=cards)


def _evaluate_retrieval(report: Report, catalogue: Catalogue, clip: Catalogue | None, *, seed: int) -> None:
    with stage("Searching across modalities", None, unit="methods") as advance:
        for method, vectors in ((ECLIP, catalogue), (CLIP, clip)):
            if vectors is None:
                continue
            found = retrieval_results(vectors, method=method, seed=seed)
            if isinstance(found, Skipped):
                report.skipped.append(found)
            else:
                report.results.extend(found)
            advance(1)
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
