"""How a model does on pairs that it is not trained on, while the run goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from eclip.metrics import recall_at_k, relevant_ranks
from eclip.model.encoder import Encoder
from eclip.train.pairs import Pairs, TrainingSource, mate_images, read_pairs
from eclip.train.picturecache import PictureCache, cached_vectors
from eclip.train.ranks import Ranks
from eclip.train.targets import TargetConfig, Targets
from eclip.train.tiles import Gathered, softmax_gradients
from eclip.train.views import ViewsConfig, only

SIDES = {  # view -> what stands on the two sides
    "picture_title": {"image": "pictures", "text": "titles"},
    "title_title": {"image": "titles of mates", "text": "titles"},
    "picture_picture": {"image": "pictures of mates", "text": "pictures"},
}


@dataclass(frozen=True, kw_only=True)
class ValidationBatch:
    """The pairs that a run is watched on, the same ones each time.

    Attributes:
        pairs: Of the validation split.
        chosen: Places of the batch's pairs, [b].
        store: Where their pictures lie.
        term: The view that it is about: the first one that the run learns.
        mates: What stands beside the titles (or pictures) of mates' views: places [b], and which further picture.
        cache: Vectors of a frozen picture trunk; None where it learns.
    """

    pairs: Pairs
    chosen: np.ndarray
    store: TrainingSource
    term: str = "picture_title"
    mates: Sequence[tuple[int, int | None]] = ()
    cache: PictureCache | None = None

    @classmethod
    def draw(cls, store: TrainingSource, views: ViewsConfig, *, most: int, seed: int) -> ValidationBatch:
        """Up to `most` pairs of picture and title; without that view, of titles or pictures with those of mates.

        Of mates one pair a loss group: a title that stood on both sides would always find itself.
        """
        draw = np.random.default_rng(seed)  # a feed may be sorted
        term = next(iter(views.weights))
        pairs = read_pairs(store, "validation", only(term))
        those = pairs.title_mates or pairs.picture_mates
        if those is None:
            return cls(
                pairs=pairs, chosen=np.sort(draw.permutation(len(pairs))[:most]), store=store, term=term, mates=[]
            )
        shuffled = draw.permutation(np.flatnonzero(those.num_choices))
        _, firsts = np.unique(pairs.groups[shuffled], return_index=True)
        chosen = np.sort(shuffled[np.sort(firsts)[:most]])
        mates = [those.draw(row, draw) for row in chosen]
        return cls(pairs=pairs, chosen=chosen, store=store, term=term, mates=mates)

    @property
    def rows(self) -> np.ndarray:
        """Rows of the store [b]."""
        return self.pairs.rows[self.chosen]

    @property
    def sides(self) -> Mapping[str, str]:
        """What stands on each side."""
        return SIDES[self.term]

    def judge(self, encoder: Encoder) -> dict[str, float]:
        """Figures of a model on the batch, for the log; none without two pairs."""
        if len(self.chosen) < 2:
            return {}
        image, text = self._encoded(encoder)
        seen = ~np.isnan(image[:, 0]) & ~np.isnan(text[:, 0])
        if seen.sum() < 2:
            return {}
        scale = encoder.module.logit_scale.detach().exp().cpu()
        return figures_of(image[seen], text[seen], self.pairs.groups[self.chosen][seen], scale)

    def _encoded(self, encoder: Encoder) -> tuple[np.ndarray, np.ndarray]:
        """Vectors of both sides, [b, D] each."""
        if self.term == "picture_picture":
            others = mate_images(self.store, self.pairs.rows, self.mates)
            return encoder.encode_image(others), encoder.encode_image(self.store.images(self.rows.tolist()))
        text = encoder.encode_text([self.pairs.titles[i] for i in self.chosen])
        if self.term == "title_title":
            return encoder.encode_text([self.pairs.titles[i] for i, _ in self.mates]), text
        if self.cache is not None:
            return cached_vectors(encoder, self.cache, self.rows), text
        return encoder.encode_image(self.store.images(self.rows.tolist())), text


def figures_of(image: np.ndarray, text: np.ndarray, groups: np.ndarray, scale: torch.Tensor) -> dict[str, float]:
    """What the features of pairs, [b, D] both, are worth as one batch with loss groups [b].

    The loss above its floor is always the softmax one with catalog targets, so that runs compare (a sigmoid's
    bias belongs to the number of negatives it was trained with). recall@k is of titles that look for pictures (or
    what stands in their places, `SIDES`); each one of the title's loss group is right, and the first found counts.
    """
    batch = Gathered(
        image=torch.from_numpy(image),
        text=torch.from_numpy(text),
        weights=torch.ones(len(groups)),
        targets=Targets.of_groups(torch.from_numpy(groups), TargetConfig()),
        ranks=Ranks(),
    )
    found = softmax_gradients(batch, scale)
    ranks = relevant_ranks(text, image, groups, groups)
    return {
        "validation_pairs": float(len(groups)),
        "validation_loss_above_floor": (found.loss - found.floor).item(),
        "validation_recall_at_1": recall_at_k(ranks, 1),
        "validation_recall_at_10": recall_at_k(ranks, 10),
        "validation_image_cosine": mean_cosine(image),
        "validation_text_cosine": mean_cosine(text),
        "validation_image_rank": effective_rank(image),
        "validation_text_rank": effective_rank(text),
    }


def mean_cosine(features: np.ndarray) -> float:
    """Mean cosine between different rows of unit features [b, D]; 1 = all the same."""
    count = len(features)
    total = features.sum(axis=0, dtype=np.float64)
    return float((total @ total - count) / (count * (count - 1)))


def effective_rank(features: np.ndarray) -> float:
    """The exponential of the entropy of the features' energy over directions, 1 to D (Roy & Vetterli, 2007).

    Features [b, D]; 1 = all on one line; of the second moments, not centred, so that a common direction counts.
    """
    spectrum = np.linalg.svd(features.astype(np.float64), compute_uv=False) ** 2
    share = spectrum[spectrum > 0] / spectrum.sum()
    return math.exp(float(-(share * np.log(share)).sum()))
