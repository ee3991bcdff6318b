"""The towers of preset `small` as they come, untrained on the shop: the baseline that training must beat."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from torch import nn

from eclip.model.encoder import Encoder, Picture
from eclip.model.presets import small

IMAGE_DIM, TEXT_DIM = 1280, 384


class PretrainedTowers:
    """ImageNet features of pictures and sentence vectors of titles; they do not share a space."""

    def __init__(self) -> None:
        encoder = small([])
        encoder.module.visual.head = nn.Identity()
        encoder.module.text.proj = nn.Identity()
        encoder.module.eval()
        self._pictures = _with_embed_dim(encoder, IMAGE_DIM)
        self._titles = _with_embed_dim(encoder, TEXT_DIM)

    @property
    def digest(self) -> str:
        """Names these features, for files that keep them."""
        return f"lite0-minilm-{self._pictures.preprocess_cfg['size']}"

    def encode_image(self, images: Sequence[Picture | None]) -> np.ndarray:
        """Pictures -> [N, 1280] unit rows, NaN where missing."""
        return self._pictures.encode_image(images)

    def encode_text(self, texts: Sequence[str | None]) -> np.ndarray:
        """Titles -> [N, 384] unit rows, NaN where missing."""
        return self._titles.encode_text(texts)


def _with_embed_dim(encoder: Encoder, embed_dim: int) -> Encoder:
    return dataclasses.replace(encoder, model_cfg={**encoder.model_cfg, "embed_dim": embed_dim})
