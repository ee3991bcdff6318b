"""Policies described in words, compared with listings in the model's own space: an answer without any label.

What CLIP does with class names: the chance that a listing belongs to one of a level's descriptions rather than to
one of everyday goods, at the model's own temperature. English and Korean, for a model knows the words of its shop.
Weaker than terms where the title says it, and all that is left where only the picture does (`docs/tasks/adult.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eclip.schema import POLICIES
from eclip.tasks.features import present_rows

LEVEL_PROMPTS: dict[str, tuple[str, ...]] = {
    "adult": ("adult goods", "adults only product", "adult toy", "sex toy", "성인용품", "성인 전용 상품"),
    "age-restricted": ("beer", "wine bottle", "whisky", "cigarettes", "맥주", "와인", "소주", "담배", "주류"),
    "sensitive": ("condoms", "personal lubricant", "pepper spray", "콘돔", "러브젤", "호신용품"),
}
EVERYDAY_PROMPTS = (
    "clothes", "underwear", "shoes", "bag", "furniture", "kitchenware", "cosmetics", "eye drops", "vitamins", "food",
    "electronics", "toys for children", "의류", "속옷", "신발", "가방", "가구", "주방용품", "화장품", "인공눈물",
    "비타민", "식품", "전자제품", "장난감",
)  # fmt: skip
MAX_LOG_ODDS = 6.0  # descriptions alone never decide


@dataclass(frozen=True, kw_only=True)
class PolicyPrompts:
    """Unit vectors of the descriptions, and the temperature of their space."""

    levels: tuple[np.ndarray, ...]  # [P_l, D] of each of `POLICIES`
    everyday: np.ndarray  # [P, D]
    scale: float  # by which cosines are multiplied

    @classmethod
    def of(cls, encode_text: Callable[[Sequence[str | None]], np.ndarray], scale: float) -> PolicyPrompts:
        """Encode the descriptions with a model's text tower.

        Args:
            encode_text: Titles [N] -> [N, D] unit rows, as `Encoder.encode_text`.
            scale: The model's `exp(logit_scale)`.
        """
        levels = tuple(encode_text(LEVEL_PROMPTS[level]) for level in POLICIES)
        return cls(levels=levels, everyday=encode_text(EVERYDAY_PROMPTS), scale=scale)

    def log_odds(self, image_vectors: np.ndarray, text_vectors: np.ndarray) -> np.ndarray:
        """Log-odds [N, L] of each level's descriptions against everyday ones, 0 to `MAX_LOG_ODDS`.

        The mean over what a listing has of picture and title, so that one alone does not accuse what the other clears.

        Args:
            image_vectors: [N, D], NaN rows where missing.
            text_vectors: [N, D], NaN rows where missing.
        """
        total, seen = np.zeros((len(image_vectors), len(self.levels))), np.zeros(len(image_vectors))
        for vectors in (image_vectors, text_vectors):
            has = np.flatnonzero(present_rows(vectors))
            everyday = self._mean_logit(vectors[has], self.everyday)
            total[has] += np.stack([self._mean_logit(vectors[has], each) - everyday for each in self.levels], axis=1)
            seen[has] += 1
        return np.clip(total / np.maximum(seen, 1)[:, None], 0, MAX_LOG_ODDS)

    def _mean_logit(self, vectors: np.ndarray, prompts: np.ndarray) -> np.ndarray:
        """Logarithm of the mean exponential [n] over prompts: more descriptions must not make a level likelier."""
        if not len(vectors):  # of a model without this tower they have no width either
            return np.zeros(0)
        logits = self.scale * vectors @ prompts.T
        highest = logits.max(axis=1)
        return np.asarray(highest + np.log(np.mean(np.exp(logits - highest[:, None]), axis=1)))
