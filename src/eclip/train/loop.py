"""The steps of a training run: batches in, parameters moved, watched, and kept at every checkpoint."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import numpy as np

from eclip.errors import DivergedError
from eclip.model.encoder import Encoder
from eclip.progress import Advance, stage
from eclip.train.alarms import MOST_SKIPPED
from eclip.train.batches import Batch, training_batches
from eclip.train.batchsizes import BatchSizes, coupled_rate, pairs_of_steps
from eclip.train.categories import training_categories
from eclip.train.checkpoint import Progress, mark
from eclip.train.config import TrainConfig
from eclip.train.interrupt import StopRequest, stop_between_steps
from eclip.train.keeper import Keeper
from eclip.train.neighbours import Neighbourhoods, model_neighbours
from eclip.train.pairs import Pairs, TrainingSource, category_numbers
from eclip.train.picturecache import FOLDER, PictureCache, open_cache
from eclip.train.ranks import Ranks
from eclip.train.sampler import Sampler
from eclip.train.schedules import run_progress, warmup_cosine
from eclip.train.step import TrainStep
from eclip.train.validate import ValidationBatch
from eclip.train.watch import last_figure


@dataclass(frozen=True, kw_only=True)
class TrainSummary:
    """What a run came to."""

    steps: int
    pairs: int
    epochs: float
    seconds: float
    loss_above_floor: float
    validation_loss_above_floor: float | None
    validation_recall_at_1: float | None
    weights_of_step: int | None = None
    """Not the last step, where the best weights became the model."""
    drift: dict[str, str] | None = None


@dataclass(kw_only=True)
class TrainingLoop:
    """The steps of a run and what they need at hand."""

    encoder: Encoder
    store: TrainingSource
    pairs: Pairs
    config: TrainConfig
    run: Path
    budget_seconds: float | None
    total_steps: int | None
    ranks: Ranks
    progress: Progress = dataclasses.field(default_factory=lambda: Progress(step=0, pairs=0, elapsed_seconds=0.0))

    def __post_init__(self) -> None:
        self.sampler = dataclasses.replace(make_sampler(self.pairs, self.config), neighbours=self._neighbourhoods())
        self.sizes = make_batch_sizes(self.config, num_pairs=len(self.pairs), world_size=self.ranks.world_size)
        steps = self.total_steps
        self.total_pairs = pairs_of_steps(self.sizes, steps) if steps else round(self.config.epochs * len(self.pairs))
        self.categories = training_categories(self.pairs, self.config.category)
        num_categories = 0 if self.categories is None else int(self.categories.max()) + 1
        self.step = TrainStep.of(self.encoder, self.config, self.ranks, num_categories=num_categories)
        self.validation = ValidationBatch.draw(
            self.store, self.config.views, most=self.config.watch.validation_pairs, seed=self.config.seed
        )

    def _neighbourhoods(self) -> Neighbourhoods | None:
        blocks = self.config.blocks
        if blocks.neighbours_every is None:
            return None
        # Not of the whole recipe: a diverged run may go on with another learning rate.
        of = json.dumps([dataclasses.asdict(blocks), self.config.seed, self.store.digest, self.pairs.digest])
        return Neighbourhoods(
            every=blocks.neighbours_every,
            num_pairs=len(self.pairs),
            run=self.run,
            identity=hashlib.sha256(of.encode()).hexdigest(),
            find=model_neighbours(
                self.encoder,
                self.store,
                self.pairs,
                blocks,
                seed=self.config.seed,
                ranks=self.ranks,
                cache=lambda: self.picture_cache,
            ),
            ranks=self.ranks,
        )

    def share_done(self, pairs: int | None = None) -> float:
        """0 at the start, 1 at the end; when this many pairs have been seen (None = those that have)."""
        return run_progress(
            self.progress.pairs if pairs is None else pairs,
            total_pairs=self.total_pairs,
            elapsed_seconds=self.progress.elapsed_seconds,
            budget_seconds=self.budget_seconds,
        )

    def run_to_end(self) -> TrainSummary:
        """Take the steps that are left; a checkpoint now and then, and when interrupted.

        Raises:
            DivergedError: There was no finite loss or gradient for many steps.
            RankLostError: Another process has ended or hangs.
        """
        cache = self.picture_cache  # all ranks fill it
        keeper = self._keeper(cache) if self.ranks.is_first else None  # the first rank watches and writes
        batches = training_batches(
            self.encoder,
            self.pairs,
            self.store,
            sampler=self.sampler,
            first_position=self.progress.pairs,
            size_at=lambda position: self.sizes.at(self.share_done(position)),
            ranks=self.ranks,
            augmentation=self.config.augmentation,
            views=self.config.views,
            cache=cache,
            categories=self.categories,
        )
        try:
            with (
                stop_between_steps() as stop,
                stage("Training", self._expected_pairs(), unit="pairs", done_before=self.progress.pairs) as advance,
            ):
                self._take_steps(batches, keeper, advance, stop)
        finally:
            batches.close()
            if keeper is not None:
                keeper.close()
        return TrainSummary(
            steps=self.progress.step,
            pairs=self.progress.pairs,
            epochs=self.progress.pairs / len(self.pairs),
            seconds=self.progress.elapsed_seconds,
            loss_above_floor=math.nan if (last := last_figure(self.run, "loss_above_floor")) is None else last,
            validation_loss_above_floor=last_figure(self.run, "validation_loss_above_floor"),
            validation_recall_at_1=last_figure(self.run, "validation_recall_at_1"),
        )

    def _keeper(self, cache: PictureCache | None) -> Keeper:
        return Keeper.of(
            self.step,
            dataclasses.replace(self.validation, cache=cache),
            self.config,
            self.run,
            first_step=self.progress.step,
            total_pairs=self.total_pairs,
            on_the_clock=self.budget_seconds is not None,
        )

    def _take_steps(self, batches: Iterator[Batch], keeper: Keeper | None, advance: Advance, stop: StopRequest) -> None:
        skipped = 0
        while (before := self.share_done()) < 1:
            figures = self._timed_step(batches, before)
            skipped = skipped + 1 if figures["skipped"] else 0
            stopping = self.ranks.any_of(flag=stop.asked)
            note = ""
            if keeper is not None:
                share = self.share_done()
                note = keeper.after_step(figures, self.progress, before=before, share=share, stopping=stopping)
            advance(round(figures["batch_size"]), total=self._expected_pairs(), note=note)
            if skipped >= MOST_SKIPPED:
                self._give_up(keeper, first_skipped=self.progress.step - skipped)
            if stopping:
                raise KeyboardInterrupt

    def _timed_step(self, batches: Iterator[Batch], share: float) -> dict[str, float]:
        """Take one step and count it; its figures."""
        started = time.monotonic()
        batch = next(batches)
        figures = self._step(batch, share)
        seconds = time.monotonic() - started
        num_pairs = len(batch) * self.ranks.world_size
        self.progress = Progress(
            step=self.progress.step + 1,
            pairs=self.progress.pairs + num_pairs,
            elapsed_seconds=self.ranks.told_by_first([self.progress.elapsed_seconds + seconds])[0],
        )
        return {**figures, "pairs_per_second": num_pairs / max(seconds, 1e-9)}

    def _give_up(self, keeper: Keeper | None, *, first_skipped: int) -> NoReturn:
        """End a run that diverged; it may go on from its last good checkpoint with other learning rates."""
        if keeper is not None:
            keeper.drop_unproved_checkpoints(first_skipped)
            mark(self.run, diverged=True)
        raise DivergedError(
            f"{MOST_SKIPPED} steps in a row, from step {first_skipped} on, had no finite loss or gradient (all were "
            "skipped): the run has diverged; the same command with a smaller optimizer.lr, pretrained_lr or "
            "max_grad_norm goes on from the last checkpoint before"
        )

    @cached_property
    def picture_cache(self) -> PictureCache | None:
        """What the frozen trunk says of the pictures to learn from and to validate on; None where it learns."""
        if not self.config.locked.pictures:
            return None
        return open_cache(
            self.encoder,
            self.store,
            np.concatenate([self.pairs.rows[self.pairs.has_picture], self.validation.rows]),
            self.run / FOLDER,
            config=self.config.locked,
            ranks=self.ranks,
        )

    def _expected_pairs(self) -> int:
        """Pairs that the whole run will have seen, as far as can be told."""
        share = self.share_done()
        return round(self.progress.pairs / share) if share else self.total_pairs

    def _step(self, batch: Batch, share: float) -> dict[str, float]:
        # The very first step is taken too: progress is 0 there, and so would be the learning rate.
        factor = warmup_cosine(share, warmup_share=self.config.optimizer.warmup_share) or 1e-3
        base = min(self.config.batch.size, self.sizes.most)
        coupled = coupled_rate(self.config.batch.lr_coupling, len(batch) * self.ranks.world_size, base=base)
        return self.step.take(batch, number=self.progress.step, lr_factor=factor * coupled)


def make_sampler(pairs: Pairs, config: TrainConfig) -> Sampler:
    """The order of the pairs that a recipe wants."""
    blocks = config.blocks
    return Sampler(
        categories=category_numbers(pairs, blocks.level),
        groups=pairs.groups,
        seed=config.seed,
        block_size=blocks.size,
        group_cap=blocks.group_cap,
        block_share=lambda epoch: blocks.share_at(epoch, config.epochs),
    )


def make_batch_sizes(config: TrainConfig, *, num_pairs: int, world_size: int) -> BatchSizes:
    """The sizes of batches that a recipe wants, for as many pairs as there are."""
    most = min(max(int(num_pairs * config.batch.most_share), 2), num_pairs)
    return BatchSizes(
        points=config.batch.schedule or ((0.0, config.batch.size),),
        growth=config.batch.growth,
        multiple_of=math.lcm(config.blocks.size if config.blocks.are_used else 1, world_size),
        most=max(most // world_size, 1) * world_size,
    )
