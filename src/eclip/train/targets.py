"""What each picture and title should attract: itself, or its whole loss group.

Targets q[B, B] are never written out: groups are few numbers, and all that a loss needs of q is its product with
B rows and its entropy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch

from eclip.train.checks import require_choice, require_share

TargetKind: TypeAlias = Literal["catalog", "mask", "identity"]
LossKind: TypeAlias = Literal["softmax", "sigmoid"]


@dataclass(frozen=True, kw_only=True)
class TargetConfig:
    """What counts as a match in the loss."""

    kind: TargetKind = "catalog"
    """catalog: products of one loss group share the target; mask: they are no negatives; identity: plain CLIP."""
    mixing: float = 1.0
    """How much of a catalog target is shared with the group; the rest is the pair's own."""
    loss: LossKind = "softmax"
    """softmax: CLIP's, a pair against all others of the batch; sigmoid: SigLIP's, each picture and title alone."""

    def __post_init__(self) -> None:
        require_choice("targets.kind", self.kind, get_args(TargetKind))
        require_share("targets.mixing", self.mixing)
        require_choice("targets.loss", self.loss, get_args(LossKind))


@dataclass(frozen=True)
class Targets:
    """q_ij = (1 - a) 1[i = j] + a 1[g_i = g_j] / |{k : g_k = g_i}| over a whole batch, rows sum to 1.

    Our reading of e-CLIP (Shin et al., CIKM 2022), with loss groups in place of catalogs. a = 1: catalog soft
    labels; a = 0: plain CLIP. Without a shared group in the batch all are the unit matrix.

    Attributes:
        members: [B] number of each pair's group, from 0 without gaps.
        sizes: [G] pairs in each group.
        mixing: a.
        masks_mates: Pairs of one group are no negatives of each other either (the other reading in circulation: a = 0,
            and they are left out of the denominator).
    """

    members: torch.Tensor
    sizes: torch.Tensor
    mixing: float
    masks_mates: bool

    @classmethod
    def of_groups(cls, groups: torch.Tensor, config: TargetConfig) -> Targets:
        """Targets of a batch with loss groups [B].

        Args:
            groups: Any whole numbers.
            config: What counts as a match.
        """
        _, members, sizes = groups.unique(return_inverse=True, return_counts=True)
        mixing = config.mixing if config.kind == "catalog" else 0.0
        return cls(members, sizes, mixing, masks_mates=config.kind == "mask")

    def among(self, rows: torch.Tensor) -> Targets:
        """Targets of some of the pairs, by their places [B'], among themselves."""
        _, members, sizes = self.members[rows].unique(return_inverse=True, return_counts=True)
        return Targets(members, sizes, self.mixing, masks_mates=self.masks_mates)

    def pull(self, values: torch.Tensor) -> torch.Tensor:
        """Multiply by q: [B, ...] -> [B, ...], by sums over groups."""
        sizes = self.sizes[self.members].to(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
        return self._mixed(values, lambda: self._group_sums(values) / sizes)

    def labels(self, values: torch.Tensor) -> torch.Tensor:
        """Multiply by y, which is q without its division by the group's size: [B, ...] -> [B, ...]."""
        return self._mixed(values, lambda: self._group_sums(values))

    def _mixed(self, values: torch.Tensor, grouped: Callable[[], torch.Tensor]) -> torch.Tensor:
        return (1 - self.mixing) * values + self.mixing * grouped() if self.mixing else values

    def _group_sums(self, values: torch.Tensor) -> torch.Tensor:
        sums = values.new_zeros(len(self.sizes), *values.shape[1:]).index_add_(0, self.members, values)
        return sums[self.members]

    def entropy(self, dtype: torch.dtype) -> torch.Tensor:
        """H(q_i) of each row [B]: the floor of a cross entropy with it."""
        sizes = self.sizes[self.members].to(dtype)
        share = self.mixing / sizes
        own = 1 - self.mixing + share
        return -torch.special.xlogy(own, own) - (sizes - 1) * torch.special.xlogy(share, share)

    def label_entropy(self, dtype: torch.dtype) -> torch.Tensor:
        """sum_j H(y_ij) of each row [B]: the floor of binary cross entropies; 0 for labels of 0 and 1."""
        share = torch.tensor(self.mixing, dtype=dtype)
        each = -torch.special.xlogy(share, share) - torch.special.xlogy(1 - share, 1 - share)
        return each * (self.sizes[self.members] - 1)

    def mates(self, rows: slice, columns: slice) -> torch.Tensor | None:
        """Mask of a tile of B x B: other pairs of one's own group; None where `masks_mates` is off."""
        if not self.masks_mates or len(self.sizes) == len(self.members):
            return None
        same = self.members[rows][:, None] == self.members[columns][None, :]
        places = torch.arange(len(self.members), device=self.members.device)
        return same & (places[rows][:, None] != places[columns][None, :])

    @property
    def false_negative_share(self) -> float:
        """Share of the pairs that plain CLIP would push away from another of their own group."""
        return float((self.sizes[self.members] > 1).float().mean())
