"""Early warnings of a run that goes wrong: plain detectors on the figures of its steps, each heard once.

A detector sees the figures of every step, oldest first, and answers with one line when it finds its fault. Nothing here
knows of tensors, files or ranks; a resumed run shows its log to new detectors and has them as they were.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Figures = Mapping[str, float]

MOST_SKIPPED = 10  # steps in a row without a finite loss or gradient; then the run ends
SCALE_STEPS = 5  # that a loss scale may take to come down to where float16 reaches
CHANCE_STEPS, CHANCE_SHARE = 100, 0.99
CLAMP_STEPS, CLAMP = 200, 99.9
COLLAPSE_STEPS, MOST_COSINE, LEAST_RANK = 100, 0.97, 1.5
RISES, RISE, FEWEST_VALIDATED = 2, 1.02, 64


class Detector(Protocol):
    """Looks for one fault."""

    def look(self, figures: Figures) -> str | None:
        """Take in the figures of a step; one line when they show the fault, else None."""


@dataclass
class Alarms:
    """All detectors of a run."""

    detectors: Sequence[Detector]
    silent: set[int] = field(default_factory=set)

    def look(self, figures: Figures) -> list[str]:
        """Lines of the detectors that find their fault in this step for the first time."""
        found = {number: detector.look(figures) for number, detector in enumerate(self.detectors)}
        new = {number: line for number, line in found.items() if line and number not in self.silent}
        self.silent |= new.keys()
        return list(new.values())


def usual_alarms(*, warmup_share: float, chance_known: bool, sides: Mapping[str, str], scaled: bool = False) -> Alarms:
    """The detectors of a training run.

    Args:
        warmup_share: Share of the run in which the learning rate rises.
        sides: What stands on the two sides of a validation.
        scaled: Gradients are scaled as float16 wants it: some steps are skipped until the scale is found.
        chance_known: The loss of features that are all equal is the logarithm of the batch size, as with a softmax over
            whole batches in one view of weight 1.
    """
    stuck: list[Detector] = [StuckAtChance(warmup_share)] if chance_known else []
    patience = SCALE_STEPS if scaled else 0
    return Alarms([NotFinite(patience), *stuck, Collapse(sides), ScaleAtClamp(), Overfitting()])


@dataclass
class NotFinite:
    """A step without a finite loss or gradient: it is skipped.

    Attributes:
        patience: Such steps in a row that are usual.
    """

    patience: int = 0
    in_a_row: int = 0

    def look(self, figures: Figures) -> str | None:
        """Told of the first step that is one too many."""
        self.in_a_row = self.in_a_row + 1 if figures.get("skipped") else 0
        if self.in_a_row <= self.patience:
            return None
        return (
            f"step {figures['step']:.0f} was skipped: its loss or gradient is not finite. A few do no harm; "
            f"the run stops after {MOST_SKIPPED} in a row (lower optimizer.lr then)"
        )


@dataclass
class StuckAtChance:
    """A loss that stays where equal features have it, at the logarithm of the batch size, after the warm-up."""

    warmup_share: float
    shares: deque[float] = field(default_factory=lambda: deque(maxlen=CHANCE_STEPS))

    def look(self, figures: Figures) -> str | None:
        """Told when the mean over some steps after the warm-up is not yet below it."""
        if "loss" not in figures or figures.get("share_done", 0.0) < self.warmup_share:
            return None
        chance = math.log(figures["batch_size"])
        self.shares.append(figures["loss"] / chance)
        if len(self.shares) < CHANCE_STEPS or sum(self.shares) / CHANCE_STEPS < CHANCE_SHARE:
            return None
        return (
            f"the loss stays at that of guessing, ln {figures['batch_size']:.0f} = {chance:.2f}, {CHANCE_STEPS} "
            "steps after the warm-up: nothing is learned. Lower optimizer.lr or lengthen "
            "optimizer.warmup_share; check that the pictures belong to the titles"
        )


@dataclass
class Collapse:
    """Features of all products nearly the same: seen at a validation.

    Attributes:
        sides: Side -> what stands there in this run.
    """

    sides: Mapping[str, str]
    steps: int = 0

    def look(self, figures: Figures) -> str | None:
        """Told of the side that has collapsed; a start is not taken for a collapse."""
        self.steps += 1
        # Untrained towers point every product one way, and need some steps to part them however short the run is.
        if figures.get("share_done", 0.0) < 0.15 or self.steps < COLLAPSE_STEPS:
            return None
        for side, word in self.sides.items():
            cosine = figures.get(f"validation_{side}_cosine", 0.0)
            rank = figures.get(f"validation_{side}_rank", math.inf)
            if cosine > MOST_COSINE or rank < LEAST_RANK:
                return (
                    f"the features of {word} have collapsed: mean cosine {cosine:.2f} between different products, "
                    f"effective rank {rank:.1f}. Lower optimizer.lr, or take larger batches (batch.size)"
                )
        return None


@dataclass
class ScaleAtClamp:
    """A logit scale that pushes against its largest value."""

    steps: int = 0

    def look(self, figures: Figures) -> str | None:
        """Told after many steps in a row."""
        if "logit_scale" not in figures:
            return None
        self.steps = self.steps + 1 if figures["logit_scale"] >= CLAMP else 0
        if self.steps < CLAMP_STEPS:
            return None
        return (
            f"the logit scale has been at its largest value, 100, for {CLAMP_STEPS} steps: the training pairs are told "
            "apart almost surely. Watch the validation; larger batches, harder ones (blocks.share) or fewer epochs help"
        )


@dataclass
class Overfitting:
    """A validation loss that rises while the training loss goes on falling; that of few pairs says little."""

    least: float = math.inf
    rises: int = 0
    losses: list[float] = field(default_factory=list)
    before: float = math.inf

    def look(self, figures: Figures) -> str | None:
        """Told after some validations in a row, each above the best and the one before."""
        if math.isfinite(loss := figures.get("loss_above_floor", math.nan)):
            self.losses.append(loss)
        validation = figures.get("validation_loss_above_floor")
        if validation is None or not self.losses or figures.get("validation_pairs", math.inf) < FEWEST_VALIDATED:
            return None
        training = sum(self.losses) / len(self.losses)
        self.losses.clear()
        rose = validation > max(RISE * self.least, self.least + 0.01) and training < self.before
        self.rises = self.rises + 1 if rose else 0
        self.least, self.before = min(self.least, validation), training
        if self.rises < RISES:
            return None
        return (
            f"the validation loss has risen to {validation:.3f} from {self.least:.3f} while the training loss fell to "
            f"{training:.3f}: the run overfits. Fewer epochs, more products or stronger augmentation help; the model "
            "takes the best weights (checkpoints.model)"
        )


def overfitted(lines: Sequence[Figures]) -> bool:
    """Whether the logged steps of a run show that it overfits."""
    detector = Overfitting()
    return any(detector.look(line) is not None for line in lines)
