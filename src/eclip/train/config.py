"""How a model is trained: one frozen configuration, recipes that make it, TOML files that change it."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from eclip.errors import ConfigError
from eclip.train.batchsizes import Coupling, Growth
from eclip.train.pairs import CategoryLevel
from eclip.train.targets import TargetKind

MAX_SEED = 2**32 - 1  # what every random generator takes


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides a training run, apart from its data and its length in minutes."""

    encoder: str = "tiny"
    """Preset (tiny, small) or any open_clip model (`ViT-B-32:laion2b_s34b_b79k`, `hf-hub:...`, `local-dir:...`)."""
    image_size: int | None = None
    """Side of the square the towers see, pixels; None = the preset's own."""
    global_batch_size: int = 256
    """Pairs that are contrasted with each other in one step."""
    batch_schedule: tuple[tuple[float, int], ...] = ()
    """(progress from 0 to 1, batch size) from which on it holds; empty = `global_batch_size` all along."""
    batch_growth: Growth = "steps"
    """steps: a size holds until the next one; linear: it grows along a line to the next."""
    lr_coupling: Coupling = "none"
    """How learning rates follow a batch of another size than `global_batch_size`: none, sqrt, linear."""
    block_share: float = 0.0
    """Share of all pairs that come in blocks of one category (category-based negatives) in the first epoch."""
    last_block_share: float | None = None
    """The same in the last epoch, with a line between; None = as in the first."""
    block_size: int = 16
    """Pairs in such a block."""
    block_group_cap: int = 2
    """Most pairs of one loss group in a block."""
    block_level: CategoryLevel = "leaf"
    """What a block has in common: leaf or parent category."""
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
    targets: TargetKind = "catalog"
    """catalog: products of one loss group share the target; mask: they are no negatives; identity: plain CLIP."""
    target_mixing: float = 1.0
    """How much of a catalog target is shared with the group; the rest is the pair's own."""
    chunk_size: int = 32
    """Pictures that go through their tower at once; the memory of a step grows with it, not with the batch."""
    text_chunk_size: int = 32
    """Titles that go through their tower at once."""
    kept_graph_megabytes: int = 1024
    """Memory for graphs of chunks, which then need no second way through their tower; 0 = as little as can be."""
    min_crop_share: float = 0.8
    """Smallest share of a picture's area that a random crop keeps; 1 = no cropping."""
    max_grad_norm: float = 1.0
    """Gradients longer than this are shortened to it."""
    seed: int = 0
    """Decides weights, order and crops."""

    def __post_init__(self) -> None:
        _require_whole("global_batch_size", self.global_batch_size, least=2)  # one pair contrasts with nothing
        _require_whole("seed", self.seed, least=0)
        if self.seed > MAX_SEED:
            raise ConfigError(f"seed = {self.seed}: expected a whole number up to {MAX_SEED}")
        if self.image_size is not None:
            _require_whole("image_size", self.image_size, least=16)
        _require_whole("chunk_size", self.chunk_size, least=1)
        _require_whole("text_chunk_size", self.text_chunk_size, least=1)
        _require_whole("kept_graph_megabytes", self.kept_graph_megabytes, least=0)
        numbers = (
            "target_mixing",
            "epochs",
            "lr",
            "pretrained_lr",
            "max_grad_norm",
            "weight_decay",
            "warmup_share",
            "min_crop_share",
        )
        for name in numbers:
            _require_number(name, getattr(self, name), zero=name in ("weight_decay", "warmup_share", "target_mixing"))
        if not isinstance(self.encoder, str) or not self.encoder:
            raise ConfigError(f"encoder = {self.encoder!r}: expected the name of an encoder")
        if self.warmup_share >= 1:
            raise ConfigError(f"warmup_share = {self.warmup_share!r}: expected a share from 0 to below 1")
        self._check_batches()
        if self.min_crop_share > 1:
            raise ConfigError(f"min_crop_share = {self.min_crop_share!r}: expected a share above 0, up to 1")
        _require_choice("targets", self.targets, get_args(TargetKind))
        if self.target_mixing > 1:
            raise ConfigError(f"target_mixing = {self.target_mixing!r}: expected a share from 0 to 1")

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON gives them back: lists in place of tuples."""
        fields: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return fields

    def _check_batches(self) -> None:
        """Sizes and blocks of batches."""
        for name in ("block_size", "block_group_cap"):
            _require_whole(name, getattr(self, name), least=1)
        for name, kind in (("batch_growth", Growth), ("lr_coupling", Coupling), ("block_level", CategoryLevel)):
            _require_choice(name, getattr(self, name), get_args(kind))
        for name in ("block_share", "last_block_share"):
            share = getattr(self, name)
            if share is not None:
                _require_number(name, share, zero=True)
                if share > 1:
                    raise ConfigError(f"{name} = {share!r}: expected a share from 0 to 1")
        points = self.batch_schedule
        try:
            starts = [float(start) for start, _ in points]
            sizes = [size for _, size in points]
        except (TypeError, ValueError):
            raise ConfigError(f"batch_schedule = {points!r}: expected pairs of progress and batch size") from None
        if starts and (starts[0] != 0 or sorted(set(starts)) != starts or starts[-1] > 1):
            raise ConfigError(f"batch_schedule = {points!r}: expected progress that starts at 0 and rises up to 1")
        for size in sizes:
            _require_whole("batch_schedule", size, least=2)


def _require_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} = {value!r}: expected one of {', '.join(choices)}")


def _require_whole(name: str, value: object, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} = {value!r}: expected a whole number from {least} on")


def _require_number(name: str, value: object, *, zero: bool) -> None:
    if not isinstance(value, bool) and isinstance(value, int | float):
        least = 0 if zero else math.ulp(0.0)  # the smallest number above 0
        if least <= value < math.inf:
            return
    raise ConfigError(f"{name} = {value!r}: expected a number {'from 0 on' if zero else 'above 0'}")


def tiny() -> TrainConfig:
    """Small towers from scratch; for a first look at any feed, on a CPU in minutes."""
    return TrainConfig(encoder="tiny", epochs=30, global_batch_size=256, lr=1e-3, weight_decay=0.1)


def small() -> TrainConfig:
    """Pretrained EfficientNet-Lite0 and MiniLM-L6, all layers trained; for the demo and for real feeds on a CPU."""
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
        name = fields.pop("recipe", "small")
        if not isinstance(name, str) or name not in RECIPES:
            raise ConfigError(f"{recipe}: recipe = {name!r}: expected one of {', '.join(RECIPES)}")
        base = RECIPES[name]()
    else:
        raise ConfigError(f"unknown recipe {recipe!r}: expected {', '.join(RECIPES)} or a FILE.toml")
    known = [field.name for field in dataclasses.fields(TrainConfig)]
    unknown = [key for key in fields if key not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=3, cutoff=0.3) or known[:3]
        raise ConfigError(f"{recipe}: unknown field {unknown[0]!r}; nearest are {', '.join(near)}")
    if isinstance(fields.get("batch_schedule"), list):
        fields["batch_schedule"] = tuple(tuple(p) if isinstance(p, list) else p for p in fields["batch_schedule"])
    try:
        base = dataclasses.replace(base, **fields)
    except ConfigError as error:
        raise ConfigError(f"{recipe}: {error}") from None
    return dataclasses.replace(base, **{key: value for key, value in overrides.items() if value is not None})


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"recipe {path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"recipe {path} is not TOML: {error}") from error
