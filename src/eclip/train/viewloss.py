"""The loss of a batch over all its views, as terms that each contrast two streams of features.

A term is our contrastive loss between a left and a right side: picture and title, title and a mate's title, picture and
another picture. Rows that lack a side of it take no part; rows without a mate do not pull (their weight is 0), but
stand on both sides with what they have: as negatives of all others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import torch

from eclip.train.accumulate import StreamGradients
from eclip.train.batches import Batch
from eclip.train.ranks import Ranks
from eclip.train.targets import Targets
from eclip.train.tiles import Gathered, LossAndGradients

Contrast: TypeAlias = Callable[[Gathered], LossAndGradients]

SIDES = {  # term -> stream on its left, stream on its right
    "picture_title": ("image", "text"),
    "title_title": ("text", "mate_text"),
    "picture_picture": ("image", "mate_image"),
}
FALL_BACK = {"mate_text": "text", "mate_image": "image"}  # what stands for a row without a mate


def loss_of_views(
    features: Mapping[str, torch.Tensor],
    batch: Batch,
    *,
    weights: Mapping[str, float],
    targets: Targets,
    ranks: Ranks,
    contrast: Contrast,
) -> StreamGradients:
    """Sum of the terms, each with its weight, and its gradients.

    Args:
        features: Stream -> [n, D] of this rank, as many rows as the batch has in it; streams without a row left out.
        batch: Which rows each stream has, the products' weights.
        weights: Of the terms that are on; the same on all ranks.
        targets: Over the products of all ranks [B].
        ranks: Who holds which.
        contrast: Loss of one term and its gradients.
    """
    sides = _Sides(features, batch, ranks)
    terms: dict[str, tuple[float, LossAndGradients]] = {}
    for name, weight in weights.items():
        rows = _rows_of(name, sides, targets)
        if rows is None:
            continue
        found = contrast(rows.gathered)
        terms[name] = weight, found
        for stream, gradient in zip(SIDES[name], (found.image, found.text), strict=True):
            sides.add(stream, weight * rows.spread(gradient))
    zero = sides.like.new_zeros(())

    def total(part: Callable[[LossAndGradients], torch.Tensor]) -> torch.Tensor:
        return sum((weight * part(found) for weight, found in terms.values()), start=zero)

    return StreamGradients(
        loss=total(lambda found: found.loss),
        floor=total(lambda found: found.floor),
        features={name: sides.gradient(name) for name in features},
        logit_scale=total(lambda found: found.logit_scale),
        logit_bias=total(lambda found: found.logit_bias),
        above_floor={name: weight * (found.loss - found.floor) for name, (weight, found) in terms.items()},
    )


class _Sides:
    """The streams of this rank laid out over all its b products, and the gradients that they collect."""

    def __init__(self, features: Mapping[str, torch.Tensor], batch: Batch, ranks: Ranks) -> None:
        self.features, self.batch, self.ranks = features, batch, ranks
        self.like = next(iter(features.values()))
        self._everyone: dict[str, torch.Tensor] = {}
        self._gradients = {name: self.like.new_zeros(len(batch), self.like.shape[1]) for name in features}

    def has(self, stream: str) -> torch.Tensor | None:
        """Mask [b] of the products that a stream has; None = all."""
        rows = self.batch.rows_of(stream)
        if rows is None:
            return None
        mask = torch.zeros(len(self.batch), dtype=torch.bool, device=self.like.device)
        mask[rows.to(mask.device)] = True
        return mask

    def gathered(self, stream: str) -> torch.Tensor:
        """Features [B, D] of all ranks, once; zeros where there are none."""
        if stream not in self._everyone:
            self._everyone[stream] = self.ranks.gather(self._spread(stream))
        return self._everyone[stream]

    def _spread(self, stream: str) -> torch.Tensor:
        rows = self.batch.rows_of(stream)
        if rows is None:
            return self.features[stream]
        if stream in FALL_BACK:
            spread = self._spread(FALL_BACK[stream]).clone()
        else:
            spread = self.like.new_zeros(len(self.batch), self.like.shape[1])
        if stream in self.features:
            spread[rows.to(spread.device)] = self.features[stream]
        return spread

    def add(self, stream: str, gradient: torch.Tensor) -> None:
        """Add a gradient [b, D] to whatever stands on that side: the stream's own, or what stands in for it."""
        if stream in FALL_BACK:
            mates = self.has(stream)
            if mates is not None and FALL_BACK[stream] in self._gradients:
                self._gradients[FALL_BACK[stream]] += gradient.masked_fill(mates[:, None], 0)
        if stream in self._gradients:
            self._gradients[stream] += gradient

    def gradient(self, stream: str) -> torch.Tensor:
        """What a stream has collected, [n, D]."""
        rows = self.batch.rows_of(stream)
        whole = self._gradients[stream]
        return whole if rows is None else whole[rows.to(whole.device)]


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """The products that take part in a term.

    Attributes:
        gathered: The two sides of all ranks.
        present: Mask [b] of this rank's; None = all.
    """

    gathered: Gathered
    present: torch.Tensor | None = field(default=None)

    def spread(self, gradient: torch.Tensor) -> torch.Tensor:
        """Rows that take part -> all of this rank's [b, D], zeros elsewhere."""
        if self.present is None:
            return gradient
        spread = gradient.new_zeros(len(self.present), gradient.shape[1])
        spread[self.present] = gradient
        return spread


def _rows_of(term: str, sides: _Sides, targets: Targets) -> _Rows | None:
    """Who takes part in a term, on all ranks; None where nobody pulls."""
    ranks, (left, right) = sides.ranks, SIDES[term]
    weights = sides.batch.weights.to(sides.like)
    if right in FALL_BACK:
        mates = sides.has(right)
        weights = torch.ones_like(weights) if mates is None else mates.to(weights)
        masks = [sides.has(left)]
    else:
        masks = [sides.has(left), sides.has(right)]
    everyone = ranks.gather(weights)
    present = _all_of([mask for mask in masks if mask is not None])
    own, everyones_targets, kept = None, targets, None
    if present is not None:
        there = ranks.gather(present.long())
        kept = there.nonzero().squeeze(1)
        everyone, everyones_targets = everyone[kept], targets.among(kept)
        rows = ranks.own_rows(len(present))
        own = slice(int(there[: rows.start].sum()), int(there[: rows.stop].sum()))
    image, text = sides.gathered(left), sides.gathered(right)
    if not everyone.sum() > 0:
        return None
    return _Rows(
        gathered=Gathered(
            image=image if kept is None else image[kept],
            text=text if kept is None else text[kept],
            weights=everyone,
            targets=everyones_targets,
            ranks=ranks,
            own_rows=own,
        ),
        present=present,
    )


def _all_of(masks: list[torch.Tensor]) -> torch.Tensor | None:
    """Rows that are in each mask; None without a mask."""
    if not masks:
        return None
    return torch.stack(masks).all(dim=0)
