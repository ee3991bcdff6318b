"""Fit matching on a pairs file alone, and judge the pairs of another one."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eclip.console import say
from eclip.metrics import average_precision, f1
from eclip.products.pairsfile import BadLine, PairsFile
from eclip.progress import stage
from eclip.tasks.matching.boosted import MIN_PAIRS, NUM_FOLDS, fit_boosted, said_by_others
from eclip.tasks.matching.groups import NAME
from eclip.tasks.matching.pairlist import EncodeTitles, pair_list, require_labels
from eclip.tasks.matching.recalling import fit_recalling
from eclip.tasks.matching.results import strict_threshold
from eclip.tasks.matching.scorers import PairScorers
from eclip.tasks.taskfiles import replacing, write_task

LEVEL = "pairs"  # what `task.json` says of scorers whose truth is a pairs file
PAIRS_AT_ONCE = 20_000


@dataclass(frozen=True, kw_only=True)
class PairFitSummary:
    """How the scorer does on the folds of the file that it had not learned from, nor chosen its threshold on."""

    pairs: int
    same: int
    F1: float
    average_precision: float
    threshold: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is said of one pair; without a probability, the line was no pair."""

    line: int
    probability: float | None
    same: bool | None
    reason: str


def fit_on_pairs(
    pairs: PairsFile,
    encode: EncodeTitles,
    folder: Path,
    *,
    model_digest: str,
    learned_from: str | None,
    seed: int,
    recall: bool = True,
) -> PairFitSummary:
    """Fit a scorer on a file of labelled pairs and write it below `folder`.

    Args:
        pairs: What was read.
        encode: Gives titles their unit vectors.
        folder: MODEL/tasks.
        model_digest: Whose vectors these are.
        learned_from: Digest of what the model was trained on. Cosines of a model that has learned from this very file
            are left out.
        seed: Of folds and trees.
        recall: Whether listings of the file are known again later, with what was told to be the same as they; their
            records are then kept beside the model.

    Raises:
        FeedError: Too few pairs are labelled same, or different.
    """
    require_labels(pairs, at_least=MIN_PAIRS)
    started = time.monotonic()
    honest = learned_from != pairs.digest
    if not honest:
        say(f"the model has learned from {pairs.path} itself: its cosines are left out, words and numbers judge alone")
    listed = pair_list(pairs, encode if honest else None)
    told = listed.labelled()
    with stage("Fitting the pair scorer", NUM_FOLDS, unit="folds") as advance:
        learn = fit_recalling if recall else functools.partial(fit_boosted, modality="text")
        scorer, held_out = learn(
            listed.source, told, seed=seed, honest_vectors=honest, advance=lambda step: advance(step)
        )
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / NAME) as aside:
        content = {"task": NAME, "seed": seed, "level": LEVEL, "model": model_digest}
        strict = strict_threshold(told.same, held_out)
        scorers = PairScorers({"text": scorer}).as_json()
        write_task(aside, {"scorers": scorers, "strict_threshold": strict, **content})
    return PairFitSummary(
        pairs=len(told.same),
        same=int(told.same.sum()),
        F1=f1(told.same, said_by_others(told.same, held_out, seed=seed)),
        average_precision=average_precision(told.same, held_out),
        threshold=scorer.threshold,
        seconds=time.monotonic() - started,
    )


def judge_pairs(pairs: PairsFile, encode: EncodeTitles, scorers: PairScorers) -> Iterator[Judgement]:
    """A judgement for each line of a file, in its order; lines that are no pairs say so."""
    listed = pair_list(pairs, encode if scorers.needs_vectors else None)
    bad = sorted(pairs.bad_lines, key=lambda each: each.line)
    with stage("Judging pairs", len(pairs), unit="pairs") as advance:
        for start in range(0, len(pairs), PAIRS_AT_ONCE):
            chunk = slice(start, start + PAIRS_AT_ONCE)
            scores, thresholds, reasons = scorers.judged(listed.source, listed.left[chunk], listed.right[chunk])
            same = np.asarray(scores >= thresholds)
            for place, reason in enumerate(reasons):
                line = pairs.lines[start + place]
                while bad and bad[0].line < line:
                    yield _no_pair(bad.pop(0))
                yield Judgement(line=line, probability=float(scores[place]), same=bool(same[place]), reason=reason)
            advance(len(reasons))
    yield from map(_no_pair, bad)


def _no_pair(bad: BadLine) -> Judgement:

    return Judgement(line=bad.line, probability=None, same=None, reason=f"no pair: {bad.reason}")
