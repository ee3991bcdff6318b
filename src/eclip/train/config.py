"""How a model is trained: one frozen configuration, recipes that make it, TOML files that change it."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eclip.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides a training run, apart from its data and its length in minutes."""

    encoder: str = "tiny"
    """Preset (tiny, small) or any open_clip model (`ViT-B-32:laion2b_s34b_b79k`, `hf-hub:...`, `local-dir:...`)."""
    image_size: int | None = None
    """Side of the square the towers see, pixels; None = the preset's own."""
    global_batch_size: int = 256
    """Pairs that are contrasted with each other in one step."""
    epochs: float = 30.0
    """How often each pair is seen, unless minutes or steps end the run before."""
    lr: float = 1e-3
    """Peak learning rate of layers that start from scratch."""
    pretrained_lr: float = 1e-4
    """Peak learning rate of layers that were trained before."""
    weight_decay: float = 0.1
    """Of matrices; biases, gains and the logit scale are not decayed."""
    warmup_share: float = 0.05
    """Share of the run in which the learning rate rises; it then falls to 0 along a cosine."""
    targets: Literal["catalog", "identity"] = "catalog"
    """catalog: products of one loss group share the target; identity: plain CLIP."""
    min_crop_share: float = 0.8
    """Smallest share of a picture's area that a random crop keeps; 1 = no cropping."""
    max_grad_norm: float = 1.0
    """Gradients longer than this are shortened to it."""
    seed: int = 0
    """Decides weights, order and crops."""

    def __post_init__(self) -> None:
        positive = ("global_batch_size", "epochs", "lr", "pretrained_lr", "max_grad_norm")
        for name in positive:
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} = {getattr(self, name)!r}: expected a number above 0")
        if self.image_size is not None and self.image_size < 16:
            raise ConfigError(f"image_size = {self.image_size!r}: expected at least 16 pixels")
        if not 0 <= self.warmup_share < 1:
            raise ConfigError(f"warmup_share = {self.warmup_share!r}: expected a share from 0 to below 1")
        if not 0 < self.min_crop_share <= 1:
            raise ConfigError(f"min_crop_share = {self.min_crop_share!r}: expected a share above 0, up to 1")
        if self.targets not in ("catalog", "identity"):
            raise ConfigError(f"targets = {self.targets!r}: expected catalog or identity")


def tiny() -> TrainConfig:
    """Small towers from scratch; for the demo and for a first look at any feed, on a CPU in minutes."""
    return TrainConfig(encoder="tiny", epochs=30, global_batch_size=256, lr=1e-3, weight_decay=0.1)


def small() -> TrainConfig:
    """Pretrained EfficientNet-Lite0 and MiniLM-L6, all layers trained; for real feeds on a CPU or one GPU."""
    return TrainConfig(encoder="small", epochs=8, global_batch_size=256, lr=1e-3, pretrained_lr=2e-4, weight_decay=0.05)


RECIPES = {"tiny": tiny, "small": small}


def load_recipe(recipe: str, **overrides: Any) -> TrainConfig:
    """A recipe by name, or from a TOML file, with some fields overridden (None = as the recipe says).

    A TOML file holds fields of `TrainConfig`, and may start from a recipe by `recipe = "small"`.

    Raises:
        ConfigError: Unknown recipe, unreadable file, unknown field or impossible value.
    """
    if recipe in RECIPES:
        fields: dict[str, Any] = {}
        base = RECIPES[recipe]()
    elif recipe.endswith(".toml"):
        fields = _read_toml(Path(recipe))
        name = fields.pop("recipe", "tiny")
        if name not in RECIPES:
            raise ConfigError(f"{recipe}: recipe = {name!r}: expected one of {', '.join(RECIPES)}")
        base = RECIPES[name]()
    else:
        raise ConfigError(f"unknown recipe {recipe!r}: expected {', '.join(RECIPES)} or a FILE.toml")
    known = {field.name: field for field in dataclasses.fields(TrainConfig)}
    for key, value in fields.items():
        if key not in known:
            raise ConfigError(f"{recipe}: unknown field {key!r}; known are {', '.join(known)}, recipe")
        default = getattr(base, key)
        number = isinstance(default, int | float) and isinstance(value, int | float)
        if default is not None and not number and not isinstance(value, type(default)):
            raise ConfigError(f"{recipe}: {key} = {value!r}: expected {type(default).__name__}")
    fields.update({key: value for key, value in overrides.items() if value is not None})
    return dataclasses.replace(base, **fields)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"recipe {path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"recipe {path} is not TOML: {error}") from error
