"""Training a dual encoder on a store: the story of a run, from its start or its last checkpoint to its model."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from eclip.errors import ConfigError
from eclip.model.encoder import Encoder, default_device
from eclip.model.folder import load_model, save_model
from eclip.model.presets import PRESETS, from_open_clip
from eclip.products.store import Store
from eclip.progress import Advance, stage
from eclip.schema import MODEL_RUN
from eclip.train.batches import Batch, training_batches
from eclip.train.batchsizes import BatchSizes, coupled_rate
from eclip.train.checkpoint import Progress, load_checkpoint, load_start, mark_finished, save_checkpoint, save_start
from eclip.train.config import TrainConfig
from eclip.train.interrupt import StopRequest, stop_between_steps
from eclip.train.pairs import Pairs, category_numbers, read_pairs, read_training_pairs
from eclip.train.ranks import Ranks
from eclip.train.sampler import Sampler
from eclip.train.schedules import run_progress, warmup_cosine
from eclip.train.step import TrainStep
from eclip.train.targets import Targets
from eclip.train.tiles import Gathered, softmax_gradients
from eclip.train.watch import RunLog, last_figure, plot_log

CHECKPOINT_SECONDS = 60.0
VALIDATION_PAIRS = 1_000
VALIDATIONS_PER_RUN = 5
ALONE = Ranks()


@dataclass(frozen=True, kw_only=True)
class TrainSummary:
    """What a run came to."""

    steps: int
    pairs: int
    epochs: float
    seconds: float
    loss_above_floor: float
    validation_loss_above_floor: float | None


def train_model(
    store: Store,
    out: Path,
    config: TrainConfig,
    *,
    minutes: float | None = None,
    total_steps: int | None = None,
    init: Path | None = None,
    ranks: Ranks = ALONE,
) -> TrainSummary:
    """Train on the store's train split and write the model folder; resumes an unfinished run in `out`.

    Args:
        store: Where the pairs come from.
        out: The model folder; checkpoints and logs lie in its `run`.
        config: Recipe.
        minutes: Time for the training steps; None = as many epochs as the recipe says.
        total_steps: Exact number of steps instead of epochs, for comparisons at equal budget.
        init: A model folder to continue from, instead of the recipe's towers.
        ranks: The processes that train together; `out` must be one folder for all of them.

    Raises:
        StoreError: The store has too few pairs.
        CheckpointError: `out` holds an unfinished run with other settings.
        RankLostError: Another process has ended.
    """
    torch.manual_seed(config.seed)
    pairs = read_training_pairs(store)
    run = out / MODEL_RUN
    identity = {
        **config.to_json(),
        "store": store.digest,
        "pairs": pairs.digest,
        "minutes": minutes,
        "total_steps": total_steps,
        "init": str(init) if init else None,
    }
    resumed = load_start(run, identity)
    encoder = resumed or start_encoder(config, pairs.titles, init=init)
    encoder.module.to(device=default_device(), memory_format=torch.channels_last)
    loop = TrainingLoop(
        encoder=encoder,
        store=store,
        pairs=pairs,
        config=config,
        run=run,
        budget_seconds=minutes * 60 if minutes else None,
        total_steps=total_steps,
        ranks=ranks,
    )
    if resumed is not None:
        loop.progress = load_checkpoint(run, encoder, loop.step.optimizer)
    ranks.share_state(encoder.module)  # and wait: no rank may look for a run that the first one has just begun
    if resumed is None and ranks.is_first:
        save_start(run, encoder, identity)
    summary = loop.run_to_end()
    if not ranks.is_first:
        return summary
    facts = {
        **{name: value for name, value in config.to_json().items() if value is not None},
        "store_digest": store.digest,
        "training_pairs": len(pairs),
        **{f"run_{name}": _rounded(value) for name, value in dataclasses.asdict(summary).items()},
    }
    plot_log(run)
    cleaned = store.manifest.get("titles") or {}
    save_model(
        encoder, out, facts=facts, titles={name: cleaned[name] for name in ("skip", "learned") if name in cleaned}
    )
    mark_finished(run)
    return summary


def start_encoder(config: TrainConfig, titles: list[str], *, init: Path | None) -> Encoder:
    """The encoder a run begins with: an earlier model, a preset, or any open_clip model."""
    if init is not None:
        encoder = load_model(init)
        encoder.pretrained_prefixes = ("visual.", "text.")
        size = encoder.model_cfg["vision_cfg"]["image_size"]
        if config.image_size not in (None, size):
            raise ConfigError(
                f"image_size = {config.image_size}: the model to continue (--init) sees pictures at {size}; leave it "
                "out of the recipe"
            )
        return encoder
    if config.encoder in PRESETS:
        options = {} if config.image_size is None else {"image_size": config.image_size}
        return PRESETS[config.encoder](titles, **options)
    if config.image_size is not None:
        raise ConfigError(f"image_size can't be changed for {config.encoder}: its towers were made for their own size")
    return from_open_clip(config.encoder)


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
            min_crop_share=self.config.min_crop_share,
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
                    validated_at, validated = share, self.validation_loss()
                    if validated is not None:
                        figures["validation_loss_above_floor"] = validated
                log.write(self.progress.step - 1, figures)
                if stopping or share >= 1 or time.monotonic() - saved_at > CHECKPOINT_SECONDS:
                    save_checkpoint(self.run, self.encoder, self.step.optimizer, self.progress)
                    saved_at = time.monotonic()
            if stopping:
                raise KeyboardInterrupt
        return last, validated

    def _expected_pairs(self) -> int:
        """Pairs that the whole run will have seen, as far as can be told."""
        share = self.share_done()
        return round(self.progress.pairs / share) if share else self.total_pairs

    def _step(self, batch: Batch, share: float) -> dict[str, float]:
        # The very first step is taken too: progress is 0 there, and so would be the learning rate.
        factor = warmup_cosine(share, warmup_share=self.config.warmup_share) or 1e-3
        coupled = coupled_rate(
            self.config.lr_coupling, len(batch) * self.ranks.world_size, base=self.config.global_batch_size
        )
        return self.step.take(batch, number=self.progress.step, lr_factor=factor * coupled)

    def validation_loss(self) -> float | None:
        """Loss above its floor on up to 1,000 validation pairs as one batch, always with catalog targets."""
        draw = np.random.default_rng(self.config.seed)  # a feed may be sorted
        chosen = np.sort(draw.permutation(len(self.validation))[:VALIDATION_PAIRS])
        if len(chosen) < 2:
            return None
        images = self.store.images(self.validation.rows[chosen].tolist())
        vectors = self.encoder.encode_products([self.validation.titles[i] for i in chosen], images)
        seen = ~np.isnan(vectors.image[:, 0]) & ~np.isnan(vectors.text[:, 0])
        batch = Gathered(
            image=torch.from_numpy(vectors.image[seen]),
            text=torch.from_numpy(vectors.text[seen]),
            weights=torch.ones(int(seen.sum())),
            targets=Targets.of_groups(torch.from_numpy(self.validation.groups[chosen][seen]), "catalog"),
            ranks=Ranks(),
        )
        found = softmax_gradients(batch, self.encoder.module.logit_scale.detach().exp().cpu())
        return (found.loss - found.floor).item()


def make_sampler(pairs: Pairs, config: TrainConfig) -> Sampler:
    """The order of the pairs that a recipe wants."""
    first = config.block_share
    last = first if config.last_block_share is None else config.last_block_share

    def block_share(epoch: int) -> float:
        return first + (last - first) * min(1.0, epoch / max(config.epochs - 1, 1))

    return Sampler(
        categories=category_numbers(pairs, config.block_level),
        groups=pairs.groups,
        seed=config.seed,
        block_size=config.block_size,
        group_cap=config.block_group_cap,
        block_share=block_share,
    )


def make_batch_sizes(config: TrainConfig, *, num_pairs: int, world_size: int) -> BatchSizes:
    """The sizes of batches that a recipe wants, for as many pairs as there are."""
    has_blocks = max(config.block_share, config.last_block_share or 0) > 0
    return BatchSizes(
        points=config.batch_schedule or ((0.0, config.global_batch_size),),
        growth=config.batch_growth,
        multiple_of=math.lcm(config.block_size if has_blocks else 1, world_size),
        most=num_pairs // world_size * world_size,
    )


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
