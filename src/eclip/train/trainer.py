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
from torch import nn

from eclip.errors import ConfigError
from eclip.model.encoder import Encoder, default_device, evaluating
from eclip.model.folder import load_model, save_model
from eclip.model.presets import PRESETS, from_open_clip
from eclip.products.store import Store
from eclip.progress import Advance, stage
from eclip.schema import MODEL_RUN
from eclip.train.batches import Batch, training_batches
from eclip.train.checkpoint import Progress, load_checkpoint, load_start, mark_finished, save_checkpoint, save_start
from eclip.train.config import TrainConfig
from eclip.train.interrupt import StopRequest, stop_between_steps
from eclip.train.loss import contrastive_loss, loss_floor
from eclip.train.optimizer import make_optimizer, set_learning_rate
from eclip.train.pairs import Pairs, read_pairs, read_training_pairs
from eclip.train.sampler import UniformSampler
from eclip.train.schedules import run_progress, warmup_cosine
from eclip.train.targets import catalog_targets, false_negative_share, identity_targets
from eclip.train.watch import RunLog, last_figure, plot_log

CHECKPOINT_SECONDS = 60.0
VALIDATION_PAIRS = 1_000
VALIDATIONS_PER_RUN = 5
MAX_LOGIT_SCALE = math.log(100)


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
) -> TrainSummary:
    """Train on the store's train split and write the model folder; resumes an unfinished run in `out`.

    Args:
        store: Where the pairs come from.
        out: The model folder; checkpoints and logs lie in its `run`.
        config: Recipe.
        minutes: Time for the training steps; None = as many epochs as the recipe says.
        total_steps: Exact number of steps instead of epochs, for comparisons at equal budget.
        init: A model folder to continue from, instead of the recipe's towers.

    Raises:
        StoreError: The store has too few pairs.
        CheckpointError: `out` holds an unfinished run with other settings.
    """
    torch.manual_seed(config.seed)
    pairs = read_training_pairs(store)
    run = out / MODEL_RUN
    identity = {
        **dataclasses.asdict(config),
        "store": store.digest,
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
    )
    if resumed is None:
        save_start(run, encoder, identity)
    else:
        loop.progress = load_checkpoint(run, encoder, loop.optimizer)
    summary = loop.run_to_end()
    facts = {
        **{name: value for name, value in dataclasses.asdict(config).items() if value is not None},
        "store_digest": store.digest,
        "training_pairs": len(pairs),
        **{f"run_{name}": _rounded(value) for name, value in dataclasses.asdict(summary).items()},
    }
    plot_log(run)
    save_model(encoder, out, facts=facts)
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
    progress: Progress = dataclasses.field(default_factory=lambda: Progress(step=0, elapsed_seconds=0.0))

    def __post_init__(self) -> None:
        batch_size = min(self.config.global_batch_size, len(self.pairs))
        self.sampler = UniformSampler(num_pairs=len(self.pairs), batch_size=batch_size, seed=self.config.seed)
        if self.total_steps is None:
            self.total_steps = max(1, round(self.config.epochs * self.sampler.steps_per_epoch))
        self.optimizer = make_optimizer(
            self.encoder.module,
            lr=self.config.lr,
            pretrained_lr=self.config.pretrained_lr,
            weight_decay=self.config.weight_decay,
            pretrained_prefixes=self.encoder.pretrained_prefixes,
        )
        self.validation = read_pairs(self.store, "validation")

    def share_done(self) -> float:
        """0 at the start, 1 at the end."""
        return run_progress(
            self.progress.step,
            total_steps=self.total_steps or 1,
            elapsed_seconds=self.progress.elapsed_seconds,
            budget_seconds=self.budget_seconds,
        )

    def run_to_end(self) -> TrainSummary:
        """Take the steps that are left; a checkpoint every minute, and when interrupted."""
        log = RunLog(self.run, first_step=self.progress.step)
        batches = training_batches(
            self.encoder,
            self.pairs,
            self.store.images,
            sampler=self.sampler,
            first_step=self.progress.step,
            min_crop_share=self.config.min_crop_share,
        )
        done_before = self.progress.step * self.sampler.batch_size
        try:
            with (
                stop_between_steps() as stop,
                stage("Training", self._expected_pairs(), unit="pairs", done_before=done_before) as advance,
            ):
                last, validated = self._take_steps(batches, log, advance, stop)
        finally:
            batches.close()
            log.close()
        num_pairs = self.progress.step * self.sampler.batch_size
        return TrainSummary(
            steps=self.progress.step,
            pairs=num_pairs,
            epochs=num_pairs / len(self.pairs),
            seconds=self.progress.elapsed_seconds,
            loss_above_floor=last,
            validation_loss_above_floor=validated,
        )

    def _take_steps(
        self, batches: Iterator[Batch], log: RunLog, advance: Advance, stop: StopRequest
    ) -> tuple[float, float | None]:
        # A run killed between its last step and its model has no step left to take.
        before = last_figure(self.run, "loss_above_floor")
        last = math.nan if before is None else before
        validated = last_figure(self.run, "validation_loss_above_floor")
        saved_at, validated_at = time.monotonic(), self.share_done()
        while (share := self.share_done()) < 1:
            started = time.monotonic()
            figures = self._step(next(batches), share)
            self.progress = Progress(
                step=self.progress.step + 1,
                elapsed_seconds=self.progress.elapsed_seconds + time.monotonic() - started,
            )
            last, share = figures["loss_above_floor"], self.share_done()
            if share - validated_at >= 1 / VALIDATIONS_PER_RUN or share >= 1:
                validated_at, validated = share, self.validation_loss()
                if validated is not None:
                    figures["validation_loss_above_floor"] = validated
            log.write(self.progress.step - 1, figures)
            advance(self.sampler.batch_size, total=self._expected_pairs())
            if stop.asked or share >= 1 or time.monotonic() - saved_at > CHECKPOINT_SECONDS:
                save_checkpoint(self.run, self.encoder, self.optimizer, self.progress)
                saved_at = time.monotonic()
            stop.raise_if_asked()
        return last, validated

    def _expected_pairs(self) -> int:
        steps = self.progress.step / self.share_done() if self.share_done() else self.total_steps or 0
        return round(steps) * self.sampler.batch_size

    def _step(self, batch: Batch, share: float) -> dict[str, float]:
        module = self.encoder.module
        module.train()
        freeze_batch_statistics(module)
        factor = warmup_cosine(share, warmup_share=self.config.warmup_share)
        # The very first step is taken too: progress is 0 there, and so would be the learning rate.
        set_learning_rate(self.optimizer, factor or 1e-3)
        loss, floor = self._loss(batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        grad_norm = nn.utils.clip_grad_norm_(module.parameters(), self.config.max_grad_norm)
        self.optimizer.step()
        with torch.no_grad():
            module.logit_scale.clamp_(0, MAX_LOGIT_SCALE)
        return {
            "loss": loss.item(),
            "loss_above_floor": (loss - floor).item(),
            "false_negative_share": false_negative_share(batch.groups),
            "logit_scale": module.logit_scale.exp().item(),
            "grad_norm": grad_norm.item(),
            "lr_factor": factor,
        }

    def _loss(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        device = self.encoder.device
        if self.config.targets == "catalog":
            targets = catalog_targets(batch.groups).to(device)
        else:
            targets = identity_targets(len(batch.groups)).to(device)
        weights = batch.weights.to(device)
        loss = contrastive_loss(
            self.encoder.image_features(batch.pixels.to(device)),
            self.encoder.text_features(batch.tokens.to(device)),
            self.encoder.module.logit_scale.exp(),
            targets,
            weights,
        )
        return loss, loss_floor(targets, weights)

    def validation_loss(self) -> float | None:
        """Loss above its floor on up to 1,000 validation pairs as one batch, always with catalog targets."""
        draw = np.random.default_rng(self.config.seed)  # a feed may be sorted
        chosen = np.sort(draw.permutation(len(self.validation))[:VALIDATION_PAIRS])
        if len(chosen) < 2:
            return None
        images = self.store.images(self.validation.rows[chosen].tolist())
        vectors = self.encoder.encode_products([self.validation.titles[i] for i in chosen], images)
        seen = ~np.isnan(vectors.image[:, 0]) & ~np.isnan(vectors.text[:, 0])
        targets = catalog_targets(torch.from_numpy(self.validation.groups[chosen][seen]))
        weights = torch.ones(int(seen.sum()))
        with evaluating(self.encoder.module), torch.inference_mode():
            scale = self.encoder.module.logit_scale.exp().cpu()
            image, text = torch.from_numpy(vectors.image[seen]), torch.from_numpy(vectors.text[seen])
            return (contrastive_loss(image, text, scale, targets, weights) - loss_floor(targets, weights)).item()


def freeze_batch_statistics(module: nn.Module) -> None:
    """Keep batch normalisation at its stored statistics; with batch ones a chunk would not equal its whole."""
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.eval()


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
