"""The steps of a training run: batches in, parameters moved, watched, and kept at every checkpoint."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eclip.model.encoder import Encoder
from eclip.products.store import Store
from eclip.progress import Advance, stage
from eclip.train.batches import Batch, training_batches
from eclip.train.batchsizes import BatchSizes, coupled_rate
from eclip.train.checkpoint import Progress, save_checkpoint
from eclip.train.config import TrainConfig
from eclip.train.interrupt import StopRequest, stop_between_steps
from eclip.train.pairs import Pairs, category_numbers, read_pairs
from eclip.train.picturecache import FOLDER, PictureCache, open_cache
from eclip.train.ranks import Ranks
from eclip.train.sampler import Sampler
from eclip.train.schedules import run_progress, warmup_cosine
from eclip.train.step import TrainStep
from eclip.train.validate import validation_loss
from eclip.train.watch import RunLog, last_figure

CHECKPOINT_SECONDS = 60.0
VALIDATIONS_PER_RUN = 5


@dataclass(frozen=True, kw_only=True)
class TrainSummary:
    """What a run came to."""

    steps: int
    pairs: int
    epochs: float
    seconds: float
    loss_above_floor: float
    validation_loss_above_floor: float | None


@dataclass(kw_only=True)
class TrainingLoop:
    """The steps of a run and what they need at hand."""

    encoder: Encoder
    store: Store
    pairs: Pairs
    config: TrainConfig
    run: Path
    budget_seconds: float | None
    total_steps: int | None
    ranks: Ranks
    progress: Progress = dataclasses.field(default_factory=lambda: Progress(step=0, pairs=0, elapsed_seconds=0.0))

    def __post_init__(self) -> None:
        self.sampler = make_sampler(self.pairs, self.config)
        self.sizes = make_batch_sizes(self.config, num_pairs=len(self.pairs), world_size=self.ranks.world_size)
        steps = self.total_steps
        self.total_pairs = steps * self.sizes.at(0) if steps else round(self.config.epochs * len(self.pairs))
        self.step = TrainStep.of(self.encoder, self.config, self.ranks)
        self.validation = read_pairs(self.store, "validation")

    def share_done(self, pairs: int | None = None) -> float:
        """0 at the start, 1 at the end; when this many pairs have been seen (None = those that have)."""
        return run_progress(
            self.progress.pairs if pairs is None else pairs,
            total_pairs=self.total_pairs,
            elapsed_seconds=self.progress.elapsed_seconds,
            budget_seconds=self.budget_seconds,
        )

    def run_to_end(self) -> TrainSummary:
        """Take the steps that are left; a checkpoint every minute, and when interrupted."""
        log = RunLog(self.run, first_step=self.progress.step) if self.ranks.is_first else None
        batches = training_batches(
            self.encoder,
            self.pairs,
            self.store.images,
            sampler=self.sampler,
            first_position=self.progress.pairs,
            size_at=lambda position: self.sizes.at(self.share_done(position)),
            ranks=self.ranks,
            augmentation=self.config.augmentation,
            cache=self._picture_cache(),
        )
        try:
            with (
                stop_between_steps() as stop,
                stage("Training", self._expected_pairs(), unit="pairs", done_before=self.progress.pairs) as advance,
            ):
                last, validated = self._take_steps(batches, log, advance, stop)
        finally:
            batches.close()
            if log is not None:
                log.close()
        return TrainSummary(
            steps=self.progress.step,
            pairs=self.progress.pairs,
            epochs=self.progress.pairs / len(self.pairs),
            seconds=self.progress.elapsed_seconds,
            loss_above_floor=last,
            validation_loss_above_floor=validated,
        )

    def _take_steps(
        self, batches: Iterator[Batch], log: RunLog | None, advance: Advance, stop: StopRequest
    ) -> tuple[float, float | None]:
        # A run killed between its last step and its model has no step left to take.
        before = last_figure(self.run, "loss_above_floor")
        last = math.nan if before is None else before
        validated = last_figure(self.run, "validation_loss_above_floor")
        saved_at, validated_at = time.monotonic(), self.share_done()
        while (share := self.share_done()) < 1:
            started = time.monotonic()
            batch = next(batches)
            figures = self._step(batch, share)
            elapsed = self.progress.elapsed_seconds + time.monotonic() - started
            self.progress = Progress(
                step=self.progress.step + 1,
                pairs=self.progress.pairs + len(batch) * self.ranks.world_size,
                elapsed_seconds=self.ranks.told_by_first([elapsed])[0],
            )
            last, share = figures["loss_above_floor"], self.share_done()
            stopping = self.ranks.any_of(flag=stop.asked)
            advance(len(batch) * self.ranks.world_size, total=self._expected_pairs())
            if log is not None:  # the first rank watches and writes
                if share - validated_at >= 1 / VALIDATIONS_PER_RUN or share >= 1:
                    validated_at, validated = (
                        share,
                        validation_loss(self.encoder, self.store, self.validation, seed=self.config.seed),
                    )
                    if validated is not None:
                        figures["validation_loss_above_floor"] = validated
                log.write(self.progress.step - 1, figures)
                if stopping or share >= 1 or time.monotonic() - saved_at > CHECKPOINT_SECONDS:
                    save_checkpoint(self.run, self.encoder, self.step.optimizer, self.progress)
                    saved_at = time.monotonic()
            if stopping:
                raise KeyboardInterrupt
        return last, validated

    def _picture_cache(self) -> PictureCache | None:
        """What the frozen trunk says of the pictures; None where it learns."""
        if not self.config.locked.pictures:
            return None
        return open_cache(
            self.encoder,
            self.store,
            self.pairs.rows,
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
        coupled = coupled_rate(
            self.config.batch.lr_coupling, len(batch) * self.ranks.world_size, base=self.config.batch.size
        )
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
    return BatchSizes(
        points=config.batch.schedule or ((0.0, config.batch.size),),
        growth=config.batch.growth,
        multiple_of=math.lcm(config.blocks.size if config.blocks.are_used else 1, world_size),
        most=num_pairs // world_size * world_size,
    )
