"""How a model is trained: one frozen configuration of a few parts, each beside the code that it decides."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from eclip.errors import ConfigError
from eclip.train.accumulate import MemoryConfig
from eclip.train.augment import AugmentationConfig
from eclip.train.batchsizes import BatchConfig
from eclip.train.categories import CategoryConfig
from eclip.train.checkpoint import CheckpointConfig
from eclip.train.checks import require_positive, require_whole
from eclip.train.optimizer import OptimizerConfig
from eclip.train.picturecache import LockedConfig
from eclip.train.sampler import BlockConfig
from eclip.train.targets import TargetConfig
from eclip.train.views import ViewsConfig
from eclip.train.watch import WatchConfig

MAX_SEED = 2**32 - 1  # what every random generator takes


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides a training run, apart from its data and its length in minutes.

    A field of a part is named with a dot, `optimizer.lr`; in a TOML file it stands in the table `[optimizer]`.
    """

    encoder: str = "tiny"
    """Preset (tiny, small, lean) or open_clip model (`ViT-B-32:laion2b_s34b_b79k`, `hf-hub:...`, `local-dir:...`)."""
    image_size: int | None = None
    """Side of the square the towers see, pixels; None = the preset's own."""
    epochs: float = 30.0
    """How often each pair is seen, unless minutes or steps end the run before."""
    seed: int = 0
    """Decides weights, order and crops."""
    batch: BatchConfig = field(default_factory=BatchConfig)
    """How many pairs are contrasted with each other."""
    blocks: BlockConfig = field(default_factory=BlockConfig)
    """Category-based negatives."""
    targets: TargetConfig = field(default_factory=TargetConfig)
    """What counts as a match."""
    views: ViewsConfig = field(default_factory=ViewsConfig)
    """What is contrasted with what, and what a product's text holds."""
    category: CategoryConfig = field(default_factory=CategoryConfig)
    """Whether the towers learn the category, too."""
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    """How pairs are changed each time they are seen."""
    locked: LockedConfig = field(default_factory=LockedConfig)
    """A frozen picture trunk, whose vectors are computed once."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """How far and how parameters move."""
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    """What a step may hold at once."""
    checkpoints: CheckpointConfig = field(default_factory=CheckpointConfig)
    """What is kept of the run while it goes on."""
    watch: WatchConfig = field(default_factory=WatchConfig)
    """How the run is watched."""

    def __post_init__(self) -> None:
        if not isinstance(self.encoder, str) or not self.encoder:
            raise ConfigError(f"encoder = {self.encoder!r}: expected the name of an encoder")
        if self.image_size is not None:
            require_whole("image_size", self.image_size, least=16)
        require_positive("epochs", self.epochs)
        require_whole("seed", self.seed, least=0, most=MAX_SEED)
        if self.locked.pictures and self.augmentation.changes_pictures:
            raise ConfigError(
                "locked.pictures = true: each picture is seen once, as it is; also set augmentation.min_crop_share=1 "
                "and augmentation.flip_share=0"
            )
        if self.locked.pictures and not self.views.need_pictures:
            raise ConfigError("locked.pictures = true, but no view looks at pictures: switch it off")
        if self.blocks.neighbours_of == "text" and not self.views.need_titles:
            raise ConfigError('blocks.neighbours_of = "text", but no view reads titles: take "product"')
        if self.locked.pictures and self.views.picture_picture:
            raise ConfigError(
                "locked.pictures = true keeps the vectors of main pictures alone, views.picture_picture looks at "
                "further ones: switch one of them off"
            )

    def to_json(self) -> dict[str, Any]:
        """All fields by their dotted names, as JSON gives them back: lists in place of tuples."""
        fields: dict[str, Any] = json.loads(json.dumps(dict(_leaves(dataclasses.asdict(self)))))
        return fields

    def identity(self) -> dict[str, Any]:
        """The fields that decide what is learned: a run can be resumed with other ones of the rest."""
        return {
            name: value for name, value in self.to_json().items() if not name.startswith(("checkpoints.", "watch."))
        }

    def changed(self, fields: Mapping[str, Any]) -> TrainConfig:
        """The same with some fields replaced: dotted name, or name of a part -> value, or table of values.

        Raises:
            ConfigError: Unknown field or impossible value.
        """
        values = dict(_leaves(fields))
        known = self.to_json()
        unknown = [name for name in values if name not in known]
        if unknown:
            near = difflib.get_close_matches(unknown[0], known, n=3, cutoff=0.3) or list(known)[:3]
            ending = [name for name in known if name.rpartition(".")[2] == unknown[0].rpartition(".")[2]]
            raise ConfigError(f"unknown field {unknown[0]!r}; nearest are {', '.join(ending or near)}")
        parts: dict[str, Any] = {}
        for name, value in values.items():
            part, dot, rest = name.partition(".")
            if dot:
                parts.setdefault(part, {})[rest] = value
            else:
                parts[part] = value
        for name, value in parts.items():
            if isinstance(value, dict):
                parts[name] = dataclasses.replace(getattr(self, name), **value)
        return dataclasses.replace(self, **parts)


def _leaves(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """All values of nested tables with their dotted names."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
