"""Changes of pictures and titles: what is drawn, what never is, and that it depends on seed and place alone."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from eclip.errors import ConfigError
from eclip.train.augment import (
    AugmentationConfig,
    changed_picture,
    changed_title,
    colour_jitter,
    drop_words,
    random_crop,
    shuffle_words,
)


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def picture() -> Image.Image:
    return Image.fromarray(draw().integers(0, 255, (20, 12, 3), dtype=np.uint8))


def test_crops_are_drawn_as_before_the_other_options(picture: Image.Image) -> None:
    config = AugmentationConfig(min_crop_share=0.5)
    for seed in range(5):
        assert changed_picture(picture, config, draw(seed)) == random_crop(picture, 0.5, draw(seed))


def test_as_many_pictures_are_mirrored_as_asked(picture: Image.Image) -> None:
    config = AugmentationConfig(min_crop_share=1, flip_share=0.3)
    rng, mirrored = draw(), ImageOps.mirror(picture)
    seen = [changed_picture(picture, config, rng) for _ in range(500)]
    assert all(found in (picture, mirrored) for found in seen)
    assert sum(found == mirrored for found in seen) / 500 == pytest.approx(0.3, abs=0.06)


def test_jitter_stays_within_its_strength_and_grey_stays_grey() -> None:
    grey = Image.new("RGB", (4, 4), (100, 100, 100))
    values = [np.asarray(colour_jitter(grey, 0.1, draw(seed))) for seed in range(50)]
    assert all((value == value[0, 0, 0]).all() for value in values)
    levels = {int(value[0, 0, 0]) for value in values}
    assert min(levels) >= 89
    assert max(levels) <= 111
    assert len(levels) > 10


def test_words_with_digits_are_never_left_out() -> None:
    words = ["Acme", "running", "shoe", "XR-500", "42", "blue"]
    kept = [drop_words(words, 0.5, draw(seed)) for seed in range(300)]
    assert all({"XR-500", "42"} <= set(some) for some in kept)
    assert all([word for word in words if word in some] == some for some in kept)
    assert np.mean(["blue" in some for some in kept]) == pytest.approx(0.5, abs=0.1)


def test_one_word_always_stays() -> None:
    assert all(drop_words(["red", "dress"], 0.99, draw(seed)) for seed in range(50))
    assert drop_words([], 0.5, draw()) == []


def test_another_order_keeps_a_number_before_its_word() -> None:
    words = ["olive", "oil", "500", "ml", "2", "pack", "glass"]
    seen = [shuffle_words(words, draw(seed)) for seed in range(100)]
    assert all(sorted(some) == sorted(words) for some in seen)
    assert all("500 ml" in " ".join(some) and "2 pack" in " ".join(some) for some in seen)
    assert len({tuple(some) for some in seen}) > 50


def test_titles_stay_where_nothing_is_asked() -> None:
    assert changed_title("red  dress 에어맥스", AugmentationConfig(word_shuffle=0), draw()) == "red dress 에어맥스"
    config = AugmentationConfig(word_dropout=0.2, word_shuffle=0.5)
    assert config.changes_titles
    assert changed_title("a b c d e", config, draw(3)) == changed_title("a b c d e", config, draw(3))


@pytest.mark.parametrize(
    "wrong", [{"flip_share": 1.5}, {"colour_jitter": 1.0}, {"word_dropout": 1.0}, {"word_shuffle": -0.1}]
)
def test_impossible_shares_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"augmentation.{next(iter(wrong))}"):
        AugmentationConfig(**wrong)
