"""What answers new listings where a task was not fitted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from eclip.tasks.adult.answers import policy_answers
from eclip.tasks.adult.prompts import LEVEL_PROMPTS
from eclip.tasks.adult.targets import ADULT, CLASSES
from eclip.tasks.adult.targets import NAME as ADULT_TASK
from eclip.tasks.enrich.answerers import load_answerers


class Words:
    """A text tower to which adult goods are one direction and all else another."""

    digest, modalities = "words", ("image", "text")
    module = SimpleNamespace(logit_scale=torch.tensor(3.0))

    def encode_text(self, titles: list[str]) -> np.ndarray:
        return np.array([[1, 0] if title in LEVEL_PROMPTS[ADULT] else [0, 1] for title in titles], dtype=np.float32)


def test_pictures_are_held_against_descriptions_where_no_policy_was_learned(tmp_path: Path) -> None:
    recognizer = load_answerers(tmp_path, Words(), None).of_batch[ADULT_TASK].recognizer
    pictures = np.array([[1, 0], [0, 1]], dtype=np.float32)
    listings = recognizer.listings(pictures, np.full((2, 2), np.nan, np.float32), [None, None], [None, None])
    chances = policy_answers(recognizer, listings).chances[:, CLASSES.index(ADULT)]
    assert chances[0] > 2 * chances[1]


def test_a_model_without_words_has_no_descriptions(tmp_path: Path) -> None:
    wordless = Words()
    wordless.modalities = ("image",)
    assert load_answerers(tmp_path, wordless, None).of_batch[ADULT_TASK].recognizer.prompts is None
