"""Recipes: whole configurations that are known to work, by name or from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eclip.errors import ConfigError
from eclip.train.accumulate import MemoryConfig
from eclip.train.augment import AugmentationConfig
from eclip.train.batchsizes import BatchConfig
from eclip.train.config import TrainConfig
from eclip.train.optimizer import OptimizerConfig
from eclip.train.picturecache import LockedConfig
from eclip.train.sampler import BlockConfig
from eclip.train.targets import TargetConfig
from eclip.train.views import ViewsConfig


def tiny() -> TrainConfig:
    """Small towers from scratch; for a first look at any feed, on a CPU in minutes."""
    return TrainConfig(
        encoder="tiny", epochs=30, batch=BatchConfig(size=256), optimizer=OptimizerConfig(lr=1e-3, weight_decay=0.1)
    )


def small() -> TrainConfig:
    """Pretrained EfficientNet-Lite0 and MiniLM-L6, all layers trained; for the demo and for real feeds on a CPU."""
    return TrainConfig(
        encoder="small",
        epochs=8,
        batch=BatchConfig(size=256),
        optimizer=OptimizerConfig(lr=1e-3, pretrained_lr=2e-4, weight_decay=0.05),
    )


def locked() -> TrainConfig:
    """Pretrained EfficientNet-Lite0 frozen, each picture read once; a small text tower and the picture head learn.

    `eclip train STORE --out MODEL --recipe locked`, seen on 30,126 pairs of fashion: 118 seconds of one processor for
    the pictures and 250 for four epochs; title to picture R@1 .095 and R@10 .370 over all 37,602 pictures of the shop
    (.033 and .180 for titles never trained on). What limits it is told in docs/results.md.
    """
    return TrainConfig(
        encoder="lean",
        epochs=4,
        batch=BatchConfig(size=512),
        augmentation=AugmentationConfig(min_crop_share=1.0),
        locked=LockedConfig(pictures=True),
        optimizer=OptimizerConfig(lr=1e-3, weight_decay=0.05),
        memory=MemoryConfig(chunk_size=512, text_chunk_size=128),
    )


def text() -> TrainConfig:
    """Titles alone: each is drawn to another title of the same product (catalog mates, or positive pairs of a file)."""
    return TrainConfig(
        encoder="text",
        epochs=8,
        batch=BatchConfig(size=256),
        views=ViewsConfig(picture_title=0, title_title=1),
        optimizer=OptimizerConfig(lr=1e-3, pretrained_lr=2e-4, weight_decay=0.05),
    )


def base() -> TrainConfig:
    """open_clip's ViT-B-32 with its weights of LAION-2B, all layers trained; for one GPU of 16 to 24 GB.

    `eclip train STORE --out MODEL --recipe base`; `--encoder ViT-B-16-SigLIP:webli` would put SigLIP's towers there
    (not tried). The sizes are calculated for 12 GB (3 of weights, average and optimiser, 15 MB of graph a picture)
    and no score is known: it was run only on a CPU, three steps of 32 pairs at 64 pixels, 12 s each on one busy core,
    with `--encoder ViT-B-32`, whose towers start without weights.
    """
    return TrainConfig(
        encoder="ViT-B-32:laion2b_s34b_b79k",
        epochs=10,
        batch=BatchConfig(size=2_048),
        optimizer=OptimizerConfig(pretrained_lr=5e-5, layer_decay=0.75, ema_decay=0.999),
        memory=MemoryConfig(chunk_size=256, text_chunk_size=512, kept_graph_megabytes=4_096, autocast="bf16"),
    )


def paper() -> TrainConfig:
    """Our reading of e-CLIP at scale: LAMB, batches that grow to 16,384, category blocks, catalog soft labels.

    `torchrun --nproc-per-node 8 -m eclip train STORE --out MODEL --recipe paper`, for a store of a million products
    or more. What the paper's towers and settings were is not known to us; these begin as `base` does. No cost and no
    score is known: it was run only on a CPU, a few steps of batches that grow from 8 to 32 on two ranks, from towers as
    small as those of `tiny`.
    """
    return TrainConfig(
        encoder="ViT-B-32:laion2b_s34b_b79k",
        epochs=10,
        batch=BatchConfig(
            size=16_384,
            schedule=((0.0, 2_048), (0.2, 4_096), (0.4, 8_192), (0.6, 16_384)),
            lr_coupling="sqrt",
        ),
        blocks=BlockConfig(share=0.0, last_share=0.5),
        targets=TargetConfig(kind="catalog"),
        optimizer=OptimizerConfig(name="lamb", pretrained_lr=5e-4, ema_decay=0.999),
        memory=MemoryConfig(chunk_size=256, text_chunk_size=512, kept_graph_megabytes=4_096, autocast="bf16"),
    )


RECIPES = {"tiny": tiny, "small": small, "locked": locked, "text": text, "base": base, "paper": paper}


def load_recipe(recipe: str, *, settings: Sequence[str] = (), **overrides: Any) -> TrainConfig:
    """A recipe by name, or from a TOML file, with some fields changed.

    A TOML file holds fields of `TrainConfig`, and may start from a recipe by `recipe = "small"`.

    Args:
        recipe: Its name or a FILE.toml.
        settings: FIELD=VALUE each, values as in TOML: `optimizer.lr=1e-3`.
        **overrides: Fields of `TrainConfig` itself; None = as the recipe says.

    Raises:
        ConfigError: Unknown recipe, unreadable file, unknown field or impossible value.
    """
    if recipe in RECIPES:
        config = RECIPES[recipe]()
    elif recipe.endswith(".toml"):
        config = _from_file(recipe)
    else:
        raise ConfigError(f"unknown recipe {recipe!r}: expected {', '.join(RECIPES)} or a FILE.toml")
    changes = dict(map(_setting, settings))
    return config.changed(changes | {name: value for name, value in overrides.items() if value is not None})


def _from_file(recipe: str) -> TrainConfig:
    fields = _read_toml(Path(recipe))
    name = fields.pop("recipe", "small")
    if not isinstance(name, str) or name not in RECIPES:
        raise ConfigError(f"{recipe}: recipe = {name!r}: expected one of {', '.join(RECIPES)}")
    try:
        return RECIPES[name]().changed(fields)
    except ConfigError as error:
        raise ConfigError(f"{recipe}: {error}") from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"recipe {path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"recipe {path} is not TOML: {error}") from error


def _setting(text: str) -> tuple[str, Any]:
    """`optimizer.lr=1e-3` -> name and value; words need no quotes."""
    name, is_one, value = text.partition("=")
    if not is_one or not name.strip():
        raise ConfigError(f"--set {text}: expected FIELD=VALUE, such as optimizer.lr=1e-3")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()
