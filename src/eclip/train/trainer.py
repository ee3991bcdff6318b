"""Training a dual encoder on a store: the story of a run, from its start or its last checkpoint to its model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from eclip.console import say
from eclip.errors import CheckpointError, ConfigError
from eclip.model.encoder import MODALITIES, Encoder, default_device
from eclip.model.folder import load_model, read_manifest, save_model
from eclip.model.presets import PRESETS, from_open_clip
from eclip.model.trunks import lock_trunk
from eclip.schema import MODEL_RUN
from eclip.train.checkpoint import load_checkpoint, load_start, mark, save_start
from eclip.train.config import TrainConfig
from eclip.train.contrast import fit_to_loss
from eclip.train.curves import plot_log
from eclip.train.drift import Drift, drift_facts, drift_since
from eclip.train.keeper import choose_weights
from eclip.train.loop import TrainingLoop, TrainSummary
from eclip.train.neighbours import forget_neighbours
from eclip.train.pairs import Pairs, TrainingSource, read_training_pairs
from eclip.train.ranks import Ranks

ALONE = Ranks()


def train_model(
    store: TrainingSource,
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
        ConfigError: `out` is the model to continue: vectors and heads made with it would be of other weights.
        StoreError: The store has too few pairs.
        CheckpointError: `out` holds an unfinished run with other settings, or is not one folder for all processes.
        DivergedError: There was no finite loss or gradient for many steps.
        RankLostError: Another process has ended or hangs.
    """
    if init is not None and init.resolve() == out.resolve():
        raise ConfigError(
            f"--out {out} is the model to continue (--init): its weights would change under the vectors and heads that "
            "were made with them; name another folder"
        )
    torch.manual_seed(config.seed)
    pairs = read_training_pairs(store, config.views)
    run = out / MODEL_RUN
    identity = {
        **config.identity(),
        "store": store.digest,
        "pairs": pairs.digest,
        "minutes": minutes,
        "total_steps": total_steps,
        "init": str(init) if init else None,
    }
    resumed = load_start(run, identity)
    encoder = resumed or _fresh_encoder(config, pairs, init=init)
    encoder.module.to(device=default_device(), memory_format=torch.channels_last)
    if config.locked.pictures:
        lock_trunk(encoder.module.visual)
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
        loop.progress = load_checkpoint(run, encoder, loop.step.optimizer, loop.step.restore)
    _agree_on_the_run(run, loop, identity, is_new=resumed is None)
    summary = loop.run_to_end()
    return _finished(out, loop, summary, init=init) if ranks.is_first else summary


def _agree_on_the_run(run: Path, loop: TrainingLoop, identity: dict[str, Any], *, is_new: bool) -> None:
    """All processes start from the first one's weights and step, and the run's folder says what it is."""
    ranks, step = loop.ranks, loop.progress.step
    ranks.share_state(loop.encoder.module)  # and wait: no rank may look for a run that the first one has just begun
    if ranks.told_by_first([step])[0] != step:
        raise CheckpointError(f"{run.parent} is not the same folder for all processes of the run: --out must be shared")
    if not ranks.is_first:
        return
    if is_new:
        save_start(run, loop.encoder, identity)
        forget_neighbours(run)
    else:
        mark(run, identity=identity, diverged=False)


def _finished(out: Path, loop: TrainingLoop, summary: TrainSummary, *, init: Path | None) -> TrainSummary:
    """Choose the weights that count, tell how far vectors moved, and write the model folder."""
    run, encoder, config = out / MODEL_RUN, loop.encoder, loop.config
    best = choose_weights(run, encoder, config.checkpoints.model)
    if best is not None:
        summary = dataclasses.replace(summary, weights_of_step=best.step)
    else:
        loop.step.settle()
    drifts = drift_since(init, encoder, loop.store, config.views) if init is not None else {}
    plot_log(run)
    _save(out, encoder, loop.store, config, num_pairs=len(loop.pairs), summary=summary, drifts=drifts)
    mark(run, finished=True)
    return dataclasses.replace(summary, drift={part: str(drift) for part, drift in drifts.items()} or None)


def _save(
    out: Path,
    encoder: Encoder,
    store: TrainingSource,
    config: TrainConfig,
    *,
    num_pairs: int,
    summary: TrainSummary,
    drifts: Mapping[str, Drift],
) -> None:
    """Write the model folder, with what is known of its making."""
    facts = {
        **{name: value for name, value in config.identity().items() if value is not None},
        "store_digest": store.digest,
        "training_pairs": num_pairs,
        **{f"run_{name}": _rounded(value) for name, value in dataclasses.asdict(summary).items() if name != "drift"},
        **drift_facts(drifts),
    }
    cleaned = store.manifest.get("titles") or {}
    save_model(
        encoder, out, facts=facts, titles={name: cleaned[name] for name in ("skip", "learned") if name in cleaned}
    )


def _fresh_encoder(config: TrainConfig, pairs: Pairs, *, init: Path | None) -> Encoder:
    """The encoder of a new run, with what it will have learned at the end."""
    encoder = start_encoder(config, pairs.titles, init=init)
    if config.locked.pictures and not _sees(encoder, init=init):
        say(
            "Warning: locked.pictures freezes a picture trunk that was never trained: what it says of pictures is "
            "random; take an encoder with weights, such as recipe locked has"
        )
    encoder.modalities = learned_modalities(encoder, pairs, config, init=init)
    return encoder


def start_encoder(config: TrainConfig, titles: list[str], *, init: Path | None) -> Encoder:
    """The encoder a run begins with: an earlier model, a preset, or any open_clip model, with what its loss needs."""
    towers = _start_towers(config, titles, init=init)
    first_size = config.batch.schedule[0][1] if config.batch.schedule else config.batch.size
    return fit_to_loss(towers, config.targets.loss, batch_size=first_size)


def _start_towers(config: TrainConfig, titles: list[str], *, init: Path | None) -> Encoder:
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
    return from_open_clip(config.encoder, image_size=config.image_size)


def learned_modalities(encoder: Encoder, pairs: Pairs, config: TrainConfig, *, init: Path | None) -> tuple[str, ...]:
    """What the encoder will be able to encode after the run: what it could before, and what the run looks at."""
    if init is not None:
        before = set(read_manifest(init).get("modalities", MODALITIES))
    else:
        towers = {"image": "visual.", "text": "text."}
        before = {name for name, prefix in towers.items() if prefix in encoder.pretrained_prefixes}
    if config.views.need_pictures and pairs.has_picture.any():
        before.add("image")
    if config.views.need_titles:
        before.add("text")
    return tuple(name for name in MODALITIES if name in before)


def _sees(encoder: Encoder, *, init: Path | None) -> bool:
    """Whether the picture trunk was trained before this run."""
    has_weights = any(prefix.startswith("visual.") for prefix in encoder.pretrained_prefixes)
    return has_weights and (init is None or "image" in read_manifest(init).get("modalities", MODALITIES))


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
