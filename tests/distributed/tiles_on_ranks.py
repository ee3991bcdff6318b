"""Compare the tiled losses of this rank's rows with whole matrices and autograd: run by the tests on each rank."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from eclip.train.ranks import joined_ranks
from eclip.train.targets import TargetConfig, Targets
from eclip.train.tiles import Gathered, sigmoid_gradients, softmax_gradients

NUM_PAIRS, EMBED_DIM = 22, 5


def dense(u: torch.Tensor, v: torch.Tensor, scale, bias, weights, same: torch.Tensor, config: TargetConfig):
    """Both losses as the paper's reading writes them, over whole matrices."""
    unit = torch.eye(len(u), dtype=u.dtype)
    a = config.mixing if config.kind == "catalog" else 0.0
    logits = scale * u @ v.T
    if config.kind == "mask":
        logits = logits.masked_fill(same.bool() & (unit == 0), -1e300)
    if config.loss == "sigmoid":
        labels = (1 - a) * unit + a * same
        each = -labels * F.logsigmoid(logits + bias) - (1 - labels) * F.logsigmoid(-logits - bias)
        return ((weights[:, None] + weights[None]) / 2 * each).sum() / weights.sum()
    q = (1 - a) * unit + a * same / same.sum(dim=1, keepdim=True)
    p, r = logits.log_softmax(dim=1), logits.log_softmax(dim=0)
    return -(q * (weights[:, None] * p + weights[None] * r)).sum() / (2 * weights.sum())


def main() -> None:
    """Every kind of target, both losses, tiles of one, uneven and whole."""
    draw = torch.Generator().manual_seed(3)
    image, text = (F.normalize(torch.randn(NUM_PAIRS, EMBED_DIM, generator=draw).double(), dim=-1) for _ in range(2))
    weights = torch.rand(NUM_PAIRS, generator=draw).double()
    groups = torch.randint(9, (NUM_PAIRS,), generator=draw)
    same = (groups[:, None] == groups[None]).double()
    with joined_ranks() as ranks:
        own = ranks.own_rows(NUM_PAIRS // ranks.world_size)
        for kind, mixing in (("catalog", 1.0), ("catalog", 0.3), ("mask", 1.0), ("identity", 1.0)):
            for loss in ("softmax", "sigmoid"):
                config = TargetConfig(kind=kind, mixing=mixing, loss=loss)
                u, v = image.clone().requires_grad_(), text.clone().requires_grad_()
                scale, bias = (torch.tensor(value).double().requires_grad_() for value in (6.5, -3.0))
                expected = dense(u, v, scale, bias, weights, same, config)
                expected.backward()
                for tile_size in (1, 7, 11, 64):
                    batch = Gathered(
                        image=ranks.gather(image[own]),
                        text=ranks.gather(text[own]),
                        weights=ranks.gather(weights[own]),
                        targets=Targets.of_groups(ranks.gather(groups[own]), config),
                        ranks=ranks,
                        tile_size=tile_size,
                    )
                    found = softmax_gradients(batch, scale.detach())
                    if loss == "sigmoid":
                        found = sigmoid_gradients(batch, scale.detach(), bias.detach())
                    wanted = [(found.loss, expected.detach()), (found.image, u.grad[own]), (found.text, v.grad[own])]
                    wanted += [(found.logit_scale, scale.grad), (found.logit_bias, torch.zeros_like(bias))]
                    if loss == "sigmoid":
                        wanted[-1] = (found.logit_bias, bias.grad)
                    for got, value in wanted:
                        torch.testing.assert_close(got, value, rtol=1e-10, atol=1e-10)


if __name__ == "__main__":
    main()
