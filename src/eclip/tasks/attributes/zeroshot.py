"""Values that nobody trained on: a list of them, as prompts of the text tower, against pictures and titles.

How far to trust it is not known from the model. Where some validation rows bear values of the list, they weigh picture
against title and choose the threshold; where none does, no answer is sure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eclip.errors import ConfigError
from eclip.tasks.attributes.answers import ZERO_SHOT, AttributeAnswer
from eclip.tasks.attributes.experts import Pool, fit_pool, softmax
from eclip.tasks.attributes.thresholds import TARGET_PRECISION, Threshold, choose_threshold
from eclip.tasks.features import present_rows

PROMPTS = ("{attribute}: {value}", "{value}")  # a value is the mean direction of both
MIN_VALUES = 2

EncodeText = Callable[[Sequence[str]], np.ndarray]  # titles -> [n, D] unit rows


@dataclass(frozen=True, kw_only=True)
class ZeroShot:
    """One attribute whose values are known by name alone.

    Attributes:
        name: Of the attribute.
        values: C of them.
        directions: [C, D] unit rows, where the text tower puts them.
        scale: That cosines are multiplied by before the softmax, as the model was trained.
        pools: By view, the weights of pictures and titles.
        thresholds: By view, from which confidence an answer is sure.
    """

    name: str
    values: tuple[str, ...]
    directions: np.ndarray
    scale: float
    pools: dict[str, Pool]
    thresholds: dict[str, Threshold]

    def answers(self, image_vectors: np.ndarray, text_vectors: np.ndarray) -> list[AttributeAnswer | None]:
        """The nearest value of each row, None for a row without vectors.

        Args:
            image_vectors: [N, D], NaN rows where missing.
            text_vectors: [N, D], NaN rows where missing.
        """
        found: list[AttributeAnswer | None] = [None] * len(image_vectors)
        for view, rows in _rows_by_view(image_vectors, text_vectors):
            scores = self.pools[view].scores(self.logs(image_vectors[rows], text_vectors[rows], view))
            chances = softmax(scores)
            best = chances.argmax(axis=1)
            confidences = chances[np.arange(len(best)), best]
            sure = self.thresholds[view].sure(confidences)
            for place, row in enumerate(rows.tolist()):
                found[row] = AttributeAnswer(
                    values=(self.values[best[place]],),
                    confidence=float(confidences[place]),
                    source=ZERO_SHOT,
                    sure=bool(sure[place]),
                )
        return found

    def logs(self, image_vectors: np.ndarray, text_vectors: np.ndarray, view: str) -> dict[str, np.ndarray]:
        """Log-probabilities [n, C] of the values by picture and by title, for rows that have what the view reads."""
        vectors = {"image": image_vectors, "text": text_vectors}
        return {each: self._logs(vectors[each]) for each in (("image", "text") if view == "both" else (view,))}

    def _logs(self, vectors: np.ndarray) -> np.ndarray:
        if not len(vectors):  # of a model without this tower they have no width either
            return np.zeros((0, len(self.values)))
        return np.log(np.maximum(softmax(self.scale * vectors.astype(np.float64) @ self.directions.T), 1e-12))


def fit_zero_shot(
    name: str,
    values: Sequence[str],
    encode_text: EncodeText,
    *,
    scale: float,
    image_vectors: np.ndarray,
    text_vectors: np.ndarray,
    truth: Sequence[Sequence[str]],
    target_precision: float = TARGET_PRECISION,
) -> ZeroShot:
    """Place the values of an attribute, and weigh pictures against titles on rows whose value is known.

    Args:
        name: Of the attribute, as it shall stand in the prompts.
        values: At least two.
        encode_text: The text tower.
        scale: exp of the model's logit scale.
        image_vectors: [N, D] of validation rows, NaN where missing.
        text_vectors: [N, D], likewise.
        truth: Values of each row; empty where unknown. Without any, pictures and titles weigh alike.
        target_precision: That sure answers shall have.

    Raises:
        ConfigError: Fewer than two different values.
    """
    kept = tuple(dict.fromkeys(value.strip() for value in values if value.strip()))
    if len(kept) < MIN_VALUES:
        raise ConfigError(f"{name}: found {len(kept)} value to choose from, expected at least {MIN_VALUES}")
    prompts = [prompt.format(attribute=name, value=value) for value in kept for prompt in PROMPTS]
    placed = encode_text(prompts).reshape(len(kept), len(PROMPTS), -1).mean(axis=1)
    directions = placed / np.linalg.norm(placed, axis=1, keepdims=True)
    index = {value: code for code, value in enumerate(kept)}
    codes = np.array([index.get(own[0], -1) if own else -1 for own in truth], dtype=np.int64)
    zero_shot = ZeroShot(name=name, values=kept, directions=directions, scale=scale, pools={}, thresholds={})
    known = codes >= 0
    present = {"image": present_rows(image_vectors), "text": present_rows(text_vectors)}
    for view in ("image", "text", "both"):
        mask = known & (present["image"] & present["text"] if view == "both" else present[view])
        rows = np.flatnonzero(mask)
        logs = zero_shot.logs(image_vectors[rows], text_vectors[rows], view)
        pool = fit_pool(logs, codes[rows])
        chances = softmax(pool.scores(logs))
        right = chances.argmax(axis=1) == codes[rows] if len(rows) else np.zeros(0, bool)
        zero_shot.pools[view] = pool
        zero_shot.thresholds[view] = choose_threshold(right, chances.max(axis=1, initial=0), target=target_precision)
    return zero_shot


def read_values(path: Path) -> dict[str, list[str]]:
    """Lists of values by attribute, from a JSON file: {"colour": ["teal", "ochre"], "fit": ["slim", "loose"]}.

    Raises:
        ConfigError: The file is missing, or does not hold that.
    """
    expected = 'expected JSON like {"colour": ["teal", "ochre"]}'
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"no file of values at {path}; {expected}") from None
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON ({error}); {expected}") from error
    is_lists = isinstance(content, dict) and all(
        isinstance(values, list) and all(isinstance(value, str) for value in values) for values in content.values()
    )
    if not is_lists:
        raise ConfigError(f"{path} holds something else than lists of texts by attribute; {expected}")
    return dict(content)


def _rows_by_view(image_vectors: np.ndarray, text_vectors: np.ndarray) -> list[tuple[str, np.ndarray]]:
    has_image, has_text = present_rows(image_vectors), present_rows(text_vectors)
    masks = {"both": has_image & has_text, "text": has_text & ~has_image, "image": has_image & ~has_text}
    return [(view, np.flatnonzero(mask)) for view, mask in masks.items() if mask.any()]
