"""The arms of an ablation: what is added to a recipe, by name, read from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from eclip.train.config import TrainConfig


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Attributes:
        name: As tables show it.
        config: Whole.
    """

    name: str
    config: TrainConfig


def read_arms(path: Path, base: TrainConfig) -> tuple[str, list[Arm]]:
    """Title and arms of a file; where it says `cumulative`, each arm starts from the one before it."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    arms, config = [], base
    for each in content["arm"]:
        config = (config if content["cumulative"] else base).changed(each["settings"])
        arms.append(Arm(each["name"], config))
    return content["title"], arms
