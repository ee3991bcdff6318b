"""Exact short cuts through a tower's layers, found once and taken for the length of a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch import nn

from eclip.model.folding import FoldedPair, foldable_pairs, folded_statistics
from eclip.train.depthwise import large_depthwise, quick_depthwise
from eclip.train.lookups import adding_rows, large_tables


@dataclass(frozen=True)
class Shortcuts:
    """Layers that have another way to the same values and gradients, but for rounding.

    Attributes:
        folds: Convolutions with the frozen normalisation after them.
        depthwise: Depthwise convolutions of large kernels.
        tables: Large embeddings.
    """

    folds: Sequence[FoldedPair] = ()
    depthwise: Sequence[nn.Conv2d] = ()
    tables: Sequence[nn.Embedding] = ()

    @classmethod
    def of(cls, module: nn.Module) -> Shortcuts:
        """All that a model has."""
        return cls(foldable_pairs(module), large_depthwise(module), large_tables(module))

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take them meanwhile; all gradients are in place when this has ended."""
        with folded_statistics(self.folds), quick_depthwise(self.depthwise), adding_rows(self.tables):
            yield
