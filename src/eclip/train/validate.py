"""How a model does on pairs that it is not trained on, while the run goes on."""

from __future__ import annotations

import numpy as np
import torch

from eclip.model.encoder import Encoder
from eclip.products.store import Store
from eclip.train.pairs import Pairs
from eclip.train.ranks import Ranks
from eclip.train.targets import TargetConfig, Targets
from eclip.train.tiles import Gathered, softmax_gradients

VALIDATION_PAIRS = 1_000


def validation_loss(encoder: Encoder, store: Store, pairs: Pairs, *, seed: int) -> float | None:
    """Loss above its floor on up to 1,000 pairs as one batch, always with catalog targets; None without two pairs.

    Always the softmax's: a sigmoid's bias belongs to the number of negatives that it was trained with.
    """
    draw = np.random.default_rng(seed)  # a feed may be sorted
    chosen = np.sort(draw.permutation(len(pairs))[:VALIDATION_PAIRS])
    if len(chosen) < 2:
        return None
    images = store.images(pairs.rows[chosen].tolist())
    vectors = encoder.encode_products([pairs.titles[i] for i in chosen], images)
    seen = ~np.isnan(vectors.image[:, 0]) & ~np.isnan(vectors.text[:, 0])
    batch = Gathered(
        image=torch.from_numpy(vectors.image[seen]),
        text=torch.from_numpy(vectors.text[seen]),
        weights=torch.ones(int(seen.sum())),
        targets=Targets.of_groups(torch.from_numpy(pairs.groups[chosen][seen]), TargetConfig()),
        ranks=Ranks(),
    )
    found = softmax_gradients(batch, encoder.module.logit_scale.detach().exp().cpu())
    return (found.loss - found.floor).item()
