"""Contrastive losses of a whole batch and their gradients, tile by tile: no matrix of all pairs ever exists.

A batch of B pairs has B x B cosines. Both losses here need each of them only once at a time, so they are made in
tiles that fit the processor's cache and are made again for the gradient. What the targets add is a sum over groups,
which needs no tile at all. On many ranks each takes the rows of its own pictures; what columns need is added up.

Notation: c = chunk of rows or columns of a tile, b = pairs of this rank, B = pairs of all ranks, D = length of the
features; s_ij = logit_scale u_i.v_j for picture i and title j; w = weights of the pairs, W their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from eclip.train.ranks import Ranks
from eclip.train.targets import Targets

_COLUMNS_AT_ONCE = 64  # of features: what only lasts for a moment stays small beside them
TILE_SIZE = 1024  # 4 MB of float32 at once: stays in the cache


@dataclass(frozen=True)
class LossAndGradients:
    """A batch's loss, the same on all ranks, and its gradient with respect to this rank's features.

    Attributes:
        loss: Scalar.
        floor: The smallest value that the loss can take.
        image: [b, D].
        text: [b, D].
        logit_scale: Scalar, of the whole loss (not of this rank's share).
        logit_bias: Likewise; 0 where the loss has none.
    """

    loss: torch.Tensor
    floor: torch.Tensor
    image: torch.Tensor
    text: torch.Tensor
    logit_scale: torch.Tensor
    logit_bias: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The features of all ranks and what goes with them.

    Attributes:
        image: [B, D] unit rows.
        text: [B, D] unit rows.
        weights: [B].
        targets: Over all B pairs.
        ranks: Who holds which rows.
        own_rows: Where the rows of this rank stand; None = all ranks have as many.
        tile_size: Rows and columns of a tile.
    """

    image: torch.Tensor
    text: torch.Tensor
    weights: torch.Tensor
    targets: Targets
    ranks: Ranks
    own_rows: slice | None = None
    tile_size: int = TILE_SIZE

    @property
    def own(self) -> slice:
        """The rows of this rank."""
        return self.own_rows or self.ranks.own_rows(len(self.image) // self.ranks.world_size)

    def tiles(self) -> Iterator[tuple[slice, slice]]:
        """Rows (pictures of this rank) and columns (titles of all ranks) of each tile, counted over all ranks."""
        own, everyone = self.own, len(self.text)
        for top in range(own.start, own.stop, self.tile_size):
            rows = slice(top, min(top + self.tile_size, own.stop))
            for left in range(0, everyone, self.tile_size):
                yield rows, slice(left, min(left + self.tile_size, everyone))

    def logits(self, rows: slice, columns: slice, logit_scale: torch.Tensor) -> torch.Tensor:
        """A tile [c, c] of s; -inf where the targets mask a pair."""
        tile = (self.image[rows] * logit_scale) @ self.text[columns].T
        mates = self.targets.mates(rows, columns)
        return tile if mates is None else tile.masked_fill_(mates, -torch.inf)


def softmax_gradients(batch: Gathered, logit_scale: torch.Tensor) -> LossAndGradients:
    """Soft-label contrastive loss of a batch and its gradients.

    L = 1/(2W) sum_ij q_ij (-w_i log p_ij - w_j log r_ij), p = softmax of s over titles, r = over pictures: a weight
    counts for the row of its picture and for that of its title (our reading of e-CLIP, Shin et al., CIKM 2022). With
    identity targets and equal weights it is CLIP's loss (Radford et al., 2021).
    dL/ds_ij = 1/(2W) (w_i p_ij + w_j r_ij - (w_i + w_j) q_ij).

    Args:
        batch: Features, in the precision that the sums are to be made in.
        logit_scale: Scalar that multiplies cosines (not its logarithm).
    """
    own, weights, total = batch.own, batch.weights, batch.weights.sum()
    by_picture, by_title = _log_denominators(batch, logit_scale)
    image_gradient = torch.zeros_like(batch.image[own])
    text_gradient = torch.zeros_like(batch.text)
    for rows, columns in batch.tiles():
        logits = batch.logits(rows, columns, logit_scale)
        pull = (logits - by_picture[rows][:, None]).exp_().mul_(weights[rows][:, None])
        pull += logits.sub_(by_title[columns]).exp_().mul_(weights[columns])
        image_gradient[rows.start - own.start : rows.stop - own.start].addmm_(pull, batch.text[columns])
        text_gradient[columns].addmm_(pull.T, batch.image[rows])
    text_gradient = batch.ranks.add_up(text_gradient)[own]
    wanted_text, wanted_image = (_wanted(batch, values, batch.targets.pull) for values in (batch.text, batch.image))
    shrink = logit_scale / (2 * total)
    image_gradient.sub_(wanted_text).mul_(shrink)
    text_gradient = text_gradient.sub_(wanted_image).mul_(shrink)
    # sum_ij w_i q_ij s_ij and sum_ij w_j q_ij s_ij together are sum_i u_i . wanted_text_i.
    positives = logit_scale * batch.ranks.add_up(torch.linalg.vecdot(batch.image[own], wanted_text).sum())
    denominators = (weights * (by_picture + by_title)).sum()
    return LossAndGradients(
        loss=(denominators - positives) / (2 * total),
        floor=(weights * batch.targets.entropy(weights.dtype)).sum() / total,
        image=image_gradient,
        text=text_gradient,
        logit_scale=batch.ranks.add_up(torch.linalg.vecdot(batch.image[own], image_gradient).sum()) / logit_scale,
        logit_bias=torch.zeros_like(logit_scale),
    )


def sigmoid_gradients(batch: Gathered, logit_scale: torch.Tensor, logit_bias: torch.Tensor) -> LossAndGradients:
    """SigLIP's loss (Zhai et al., ICCV 2023) with several positives a row, and its gradients.

    L = 1/W sum_ij (w_i + w_j)/2 (softplus(l_ij) - y_ij l_ij), l_ij = s_ij + logit_bias, and labels
    y_ij = (1 - a) 1[i = j] + a 1[g_i = g_j]: q without its division by the group's size.

    Args:
        batch: As for `softmax_gradients`.
        logit_scale: Scalar that multiplies cosines.
        logit_bias: Scalar that is added to them.
    """
    own, weights, total = batch.own, batch.weights, batch.weights.sum()
    image_gradient = torch.zeros_like(batch.image[own])
    text_gradient = torch.zeros_like(batch.text)
    negatives, bias_gradient = torch.zeros_like(total), torch.zeros_like(total)
    for rows, columns in batch.tiles():
        logits = batch.logits(rows, columns, logit_scale).add_(logit_bias)
        share = (weights[rows][:, None] + weights[columns]) / 2
        negatives -= (F.logsigmoid(-logits) * share).sum()  # softplus, exact at both ends
        push = logits.sigmoid_().mul_(share)
        bias_gradient += push.sum()
        image_gradient[rows.start - own.start : rows.stop - own.start].addmm_(push, batch.text[columns])
        text_gradient[columns].addmm_(push.T, batch.image[rows])
    text_gradient = batch.ranks.add_up(text_gradient)[own]
    negatives, bias_gradient = batch.ranks.add_up(negatives), batch.ranks.add_up(bias_gradient)
    wanted_text, wanted_image = (
        _wanted(batch, values, batch.targets.labels) / 2 for values in (batch.text, batch.image)
    )
    num_positives = (weights * batch.targets.labels(torch.ones_like(weights))).sum()
    positives = logit_scale * batch.ranks.add_up((batch.image[own] * wanted_text).sum()) + logit_bias * num_positives
    image_gradient = logit_scale / total * (image_gradient - wanted_text)
    return LossAndGradients(
        loss=(negatives - positives) / total,
        floor=(weights * batch.targets.label_entropy(weights.dtype)).sum() / total,
        image=image_gradient,
        text=logit_scale / total * (text_gradient - wanted_image),
        logit_scale=batch.ranks.add_up((batch.image[own] * image_gradient).sum()) / logit_scale,
        logit_bias=(bias_gradient - num_positives) / total,
    )


def _log_denominators(batch: Gathered, logit_scale: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logarithms of sum_j exp s_ij for each picture and of sum_i exp s_ij for each title, [B] both."""
    by_picture = torch.full_like(batch.weights, -torch.inf)
    by_title = by_picture.clone()
    for rows, columns in batch.tiles():
        logits = batch.logits(rows, columns, logit_scale)
        by_picture[rows] = torch.logaddexp(by_picture[rows], logits.logsumexp(dim=1))
        by_title[columns] = torch.logaddexp(by_title[columns], logits.logsumexp(dim=0))
    others = torch.ones_like(by_picture, dtype=torch.bool)
    others[batch.own] = False
    by_picture = batch.ranks.add_up(by_picture.masked_fill_(others, 0))
    by_title = batch.ranks.gather(by_title[None]).logsumexp(dim=0)
    return by_picture, by_title


def _wanted(batch: Gathered, values: torch.Tensor, pull: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """sum_j (w_i + w_j) q_ij values_j of this rank's rows, where `pull` multiplies by q: [B, D] -> [b, D]."""
    weights, wanted = batch.weights[:, None], torch.empty_like(values[batch.own])
    for some, out in zip(values.split(_COLUMNS_AT_ONCE, dim=1), wanted.split(_COLUMNS_AT_ONCE, dim=1), strict=True):
        out.copy_((weights * pull(some) + pull(weights * some))[batch.own])
    return wanted
