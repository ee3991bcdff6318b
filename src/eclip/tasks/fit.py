"""Fit every task's heads on the train split of a catalogue, and write them into the model folder.

Category, attributes and adult share one run a modality (`eclip.tasks.heads.training`) and one over title terms
(`eclip.tasks.heads.fit_lexical`); matching fits pair
scorers, clustering chooses their thresholds anew. A task whose labels are missing is skipped with a reason,
and what an earlier fit wrote for it is removed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eclip.errors import ConfigError
from eclip.progress import stage
from eclip.schema import SPLITS
from eclip.tasks.adult.fit import fit_recognizer
from eclip.tasks.adult.targets import NAME as ADULT_TASK
from eclip.tasks.adult.targets import adult_target
from eclip.tasks.attributes.extraction import TitleSource, fit_extraction
from eclip.tasks.attributes.targets import NAME as ATTRIBUTES
from eclip.tasks.attributes.targets import attribute_targets
from eclip.tasks.catalogue import Catalogue, check_splits
from eclip.tasks.category.decisions import fit_decisions, write_decisions
from eclip.tasks.category.fewlabels import with_few_labels
from eclip.tasks.category.names import EncodeText
from eclip.tasks.category.targets import NAME as CATEGORY
from eclip.tasks.category.targets import category_target
from eclip.tasks.clustering.catalogs import fit_store_clustering
from eclip.tasks.clustering.cluster import NAME as CLUSTERING
from eclip.tasks.clustering.cluster import candidate_pairs
from eclip.tasks.clustering.thresholds import choose_threshold, held_out_split, labelled_rows
from eclip.tasks.features import search_vectors
from eclip.tasks.heads.fit_calibration import calibrated
from eclip.tasks.heads.fit_lexical import add_lexical, fit_title_heads
from eclip.tasks.heads.linear import HeadKind, LinearHeads, Target
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.heads.training import MIN_TRAIN_ROWS, fit_heads, heads_by_task, named_targets
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.fit import fit_matching
from eclip.tasks.matching.groups import Groups, product_groups
from eclip.tasks.matching.scorers import PairScorers
from eclip.tasks.results import MODALITIES, Skipped
from eclip.tasks.taskfiles import TASKS, replacing, write_task

LINEAR: tuple[HeadKind, ...] = ("linear",)
HEAD_TASKS = (CATEGORY, ATTRIBUTES, ADULT_TASK)


@dataclass(frozen=True, kw_only=True)
class FitSummary:
    """What came of one task."""

    task: str
    heads: dict[str, list[str]] = field(default_factory=dict)  # modality -> names of what was fitted
    lexical_shares: dict[str, dict[str, float]] = field(default_factory=dict)  # modality -> name -> 0..1
    skipped: list[Skipped] = field(default_factory=list)
    seconds: float = 0.0  # of fitting; the tasks with heads are fitted together


def fit_tasks(
    catalogue: Catalogue,
    folder: Path,
    *,
    tasks: Sequence[str] = TASKS,
    titles: TitleSource | None = None,
    seed: int,
    leaves: Sequence[Sequence[str]] = (),
    encode_text: EncodeText | None = None,
    kinds: Sequence[HeadKind] = LINEAR,
) -> list[FitSummary]:
    """Fit tasks and write each into its own folder below `folder` at once.

    Args:
        catalogue: Products with vectors.
        folder: MODEL/tasks.
        tasks: Some of `TASKS`.
        titles: To find values of attributes in; None = they are not sought there.
        seed: Of everything random.
        leaves: Category paths that listings may be of, though no train row need have them.
        encode_text: The model's text tower, which reads categories' names where labels are few; None = it does not.
        kinds: What each head over vectors may become; of several, what has the least validation loss.

    Raises:
        ConfigError: A task has an unknown name.
    """
    unknown = sorted(set(tasks) - set(TASKS))
    if unknown:
        raise ConfigError(f"unknown task {unknown[0]!r}, expected one of {', '.join(TASKS)}")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [task for task in TASKS if task in tasks]
    reason = check_splits(catalogue)
    if reason:
        return [_leave_out(folder, task, [Skipped(task=task, reason=reason)]) for task in wanted]
    head_tasks = [t for t in wanted if t in HEAD_TASKS]
    summaries = _fit_head_tasks(
        catalogue,
        folder,
        head_tasks,
        seed=seed,
        titles=titles,
        leaves=leaves,
        encode_text=encode_text,
        kinds=kinds,
    )
    summaries += _fit_pair_tasks(catalogue, folder, [t for t in wanted if t not in HEAD_TASKS], seed=seed)
    return sorted(summaries, key=lambda summary: TASKS.index(summary.task))


def head_targets(
    catalogue: Catalogue, tasks: Sequence[str], leaves: Sequence[Sequence[str]] = ()
) -> tuple[dict[str, list[Target]], dict[str, list[Skipped]]]:
    """Targets of each task that fits linear heads, and why others can't be learned."""
    targets: dict[str, list[Target]] = {task: [] for task in tasks}
    skipped: dict[str, list[Skipped]] = {task: [] for task in tasks}
    for task in tasks:
        if task == ATTRIBUTES:
            targets[task], skipped[task] = attribute_targets(catalogue)
            continue
        target = category_target(catalogue, leaves) if task == CATEGORY else adult_target(catalogue)
        if isinstance(target, Target):
            targets[task] = [target]
        else:
            skipped[task] = [target]
    return targets, skipped


def fit_modal_heads(
    catalogue: Catalogue,
    targets: dict[str, list[Target]],
    *,
    seed: int,
    method: str = "eclip",
    kinds: Sequence[HeadKind] = LINEAR,
) -> dict[str, ModalHeads]:
    """All heads over vectors of all tasks, one run a modality; by task, then modality."""
    heads: dict[str, dict[str, LinearHeads]] = {task: {} for task in targets}
    for modality in MODALITIES:
        if not modality_present(catalogue, modality):
            continue
        matrix, mask = catalogue.features(modality)
        train = np.flatnonzero(mask & catalogue.within(SPLITS[0]))
        if len(train) < MIN_TRAIN_ROWS:
            continue
        named = named_targets(targets, train)
        if not named:
            continue
        fitted = fit_heads(
            matrix,
            named,
            train_rows=train,
            validation_rows=np.flatnonzero(mask & catalogue.within(SPLITS[1])),
            seed=seed,
            kinds=kinds,
            name=f"Fitting {len(named)} {method} heads on {modality}",
        )
        for task, group in heads_by_task(fitted).items():
            heads[task][modality] = group
    return {task: ModalHeads(by_modality) for task, by_modality in heads.items()}


def modality_present(catalogue: Catalogue, modality: str) -> bool:
    """Whether the train split has the modality; "both" needs pictures and titles."""
    train = catalogue.within(SPLITS[0])
    has = PairSource.of(catalogue).has
    if modality == "both":
        return bool((has["image"] & train).any() and (has["text"] & train).any())
    return bool((has[modality] & train).any())


def _fit_head_tasks(
    catalogue: Catalogue,
    folder: Path,
    tasks: Sequence[str],
    *,
    seed: int,
    titles: TitleSource | None,
    leaves: Sequence[Sequence[str]],
    encode_text: EncodeText | None,
    kinds: Sequence[HeadKind],
) -> list[FitSummary]:
    started = time.monotonic()
    targets, skipped = head_targets(catalogue, tasks, leaves)
    heads = fit_modal_heads(catalogue, targets, seed=seed, kinds=kinds)
    for target in targets.get(CATEGORY, []):
        heads[CATEGORY] = with_few_labels(catalogue, target, heads[CATEGORY], encode_text)
    fitted = add_lexical(catalogue, targets, heads, fit_title_heads(catalogue, targets, seed=seed))
    fitted = calibrated(catalogue, targets, fitted)
    seconds = time.monotonic() - started
    summaries = []
    for task in tasks:
        found = fitted[task]
        if not found.by_modality:
            reasons = skipped[task] or [
                Skipped(task=task, reason=f"fewer than {MIN_TRAIN_ROWS} train products have vectors and labels")
            ]
            summaries.append(_leave_out(folder, task, reasons))
            continue
        names = {modality: list(each.heads) for modality, each in found.by_modality.items()}
        with replacing(folder / task) as aside:
            found.save(aside)
            if task == ATTRIBUTES:
                skipped[task] += fit_extraction(catalogue, found, aside, titles=titles, seed=seed)
            if task == CATEGORY:
                write_decisions(aside, fit_decisions(catalogue, found))
            if task == ADULT_TASK:
                fit_recognizer(catalogue, found).save(aside)
            content = {"task": task, "seed": seed, "heads": names, "model": catalogue.model_digest}
            given = {"kinds": list(kinds), "leaves": [list(path) for path in leaves] if task == CATEGORY else []}
            write_task(aside, {**given, **content})
        shares = found.lexical.shares if found.lexical else {}
        summaries.append(
            FitSummary(task=task, heads=names, lexical_shares=shares, skipped=skipped[task], seconds=seconds)
        )
    return summaries


def _fit_pair_tasks(catalogue: Catalogue, folder: Path, tasks: Sequence[str], *, seed: int) -> list[FitSummary]:
    if not tasks:
        return []
    groups = product_groups(catalogue)
    if isinstance(groups, Skipped):
        return [_leave_out(folder, t, [Skipped(task=t, reason=groups.reason)]) for t in tasks]
    started = time.monotonic()
    with stage("Fitting pair scorers", None, unit="scorers") as advance:
        scorers, skipped = fit_matching(catalogue, groups, seed=seed)
        advance(len(scorers.by_modality))
    if not scorers.by_modality:
        return [_leave_out(folder, t, [Skipped(task=t, reason=s.reason) for s in skipped]) for t in tasks]
    summaries = []
    for task in tasks:
        more = {}
        if task == CLUSTERING:
            scorers = cluster_scorers(catalogue, groups, scorers, seed=seed)
            more = {"edges": fit_store_clustering(catalogue, groups, seed=seed)}
        with replacing(folder / task) as aside:
            content = {**more, "task": task, "seed": seed, "level": groups.level, "model": catalogue.model_digest}
            write_task(aside, {"scorers": scorers.as_json(), **content})
        summaries.append(
            FitSummary(
                task=task,
                heads={modality: [groups.level] for modality in scorers.by_modality},
                skipped=[Skipped(task=task, reason=each.reason) for each in skipped],
                seconds=time.monotonic() - started,
            )
        )
    return summaries


def cluster_scorers(catalogue: Catalogue, groups: Groups, scorers: PairScorers, *, seed: int) -> PairScorers:
    """The same scorers with the thresholds that cluster the validation split best."""
    source = PairSource.of(catalogue)
    split = held_out_split(catalogue, groups)
    thresholds = {}
    with stage("Choosing thresholds for clusters", len(scorers.by_modality), unit="modalities") as advance:
        for modality in scorers.by_modality:
            vectors, mask = search_vectors(catalogue.image_vectors, catalogue.text_vectors, modality)
            rows = labelled_rows(catalogue, groups, split, mask, seed=seed)
            score = scorers.on(source, modality)
            left, right = candidate_pairs(vectors, rows)
            thresholds[modality] = choose_threshold(rows, groups.ids[rows], left, right, score) if len(rows) else 1.0
            advance(1)
    return scorers.with_thresholds(thresholds)


def _leave_out(folder: Path, task: str, reasons: list[Skipped]) -> FitSummary:
    """Remove what an earlier fit left for a task that can't be fitted now: it would be of other data."""
    shutil.rmtree(folder / task, ignore_errors=True)
    return FitSummary(task=task, skipped=reasons)
