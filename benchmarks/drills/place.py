"""What every drill is told: where to work, on what, and how much of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.drills.jobs import Shop

_A_FEW = 3


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for.

    Attributes:
        work: Folder to work in.
        shop: The feed, the store and the model.
        is_small: A few times each.
        seed: Of all moments.
    """

    work: Path
    shop: Shop
    is_small: bool
    seed: int

    def times(self, full: int) -> int:
        """How often, where the full run does it so often."""
        return min(_A_FEW, full) if self.is_small else full

    def fresh(self, name: str) -> Path:
        """An empty folder."""
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder
