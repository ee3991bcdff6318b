"""Small changes of pictures and titles, drawn anew each time a pair is seen, that leave the product the same.

What is drawn depends on the generator that is given alone: batches make one of the run's seed and the pair's place in
the run, so a resumed run and any number of ranks see the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from eclip.train.checks import require_share


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """How a pair is changed each time it is seen."""

    min_crop_share: float = 0.8
    """Smallest share of a picture's area that a random crop keeps; 1 = no cropping."""
    flip_share: float = 0.0
    """Share of pictures that are mirrored; not for goods that bear text or have a left and a right."""
    colour_jitter: float = 0.0
    """How far brightness, contrast and saturation stray, 0 to 1; colour is what titles name, so little or none."""
    word_dropout: float = 0.0
    """Share of a title's words that are left out; never one with a digit, never all."""
    word_shuffle: float = 0.0
    """Share of titles whose words come in another order; a number stays with the word after it."""

    def __post_init__(self) -> None:
        require_share("augmentation.min_crop_share", self.min_crop_share, least_is_open=True)
        require_share("augmentation.flip_share", self.flip_share)
        require_share("augmentation.colour_jitter", self.colour_jitter, most_is_open=True)
        require_share("augmentation.word_dropout", self.word_dropout, most_is_open=True)
        require_share("augmentation.word_shuffle", self.word_shuffle)

    @property
    def changes_pictures(self) -> bool:
        """Whether any picture is ever changed."""
        return self.min_crop_share < 1 or self.flip_share > 0 or self.colour_jitter > 0

    @property
    def changes_titles(self) -> bool:
        """Whether any title is ever changed."""
        return self.word_dropout > 0 or self.word_shuffle > 0


def changed_picture(picture: Image.Image, config: AugmentationConfig, rng: np.random.Generator) -> Image.Image:
    """The picture cropped, mirrored and recoloured as the configuration has it."""
    changed = random_crop(picture, config.min_crop_share, rng)
    if config.flip_share and rng.random() < config.flip_share:
        changed = ImageOps.mirror(changed)
    return colour_jitter(changed, config.colour_jitter, rng) if config.colour_jitter else changed


def changed_title(title: str, config: AugmentationConfig, rng: np.random.Generator) -> str:
    """The title with words left out and in another order as the configuration has it."""
    words = title.split()
    if config.word_dropout:
        words = drop_words(words, config.word_dropout, rng)
    if config.word_shuffle and rng.random() < config.word_shuffle:
        words = shuffle_words(words, rng)
    return " ".join(words)


def random_crop(picture: Image.Image, min_share: float, rng: np.random.Generator) -> Image.Image:
    """A part of the picture that keeps at least `min_share` of its area and about its shape."""
    if min_share >= 1:
        return picture
    share = rng.uniform(min_share, 1)
    stretch = rng.uniform(0.95, 1.05)
    width = min(picture.width, max(1, round(picture.width * np.sqrt(share) * stretch)))
    height = min(picture.height, max(1, round(picture.height * np.sqrt(share) / stretch)))
    left = rng.integers(0, picture.width - width + 1)
    top = rng.integers(0, picture.height - height + 1)
    return picture.crop((int(left), int(top), int(left) + width, int(top) + height))


def colour_jitter(picture: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Brightness, contrast and saturation each times 1 - strength to 1 + strength; hue stays: red is not blue.

    As `torchvision.transforms.ColorJitter` in this order, on the picture's own generator.
    """
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhance(picture).enhance(rng.uniform(1 - strength, 1 + strength))
    return picture


def drop_words(words: list[str], share: float, rng: np.random.Generator) -> list[str]:
    """Each word left out with this probability, but none with a digit, and one stays.

    Model codes, sizes and amounts tell like from like: a title without them would name other products as well.
    """
    kept = [
        word for word, drawn in zip(words, rng.random(len(words)), strict=True) if drawn >= share or _has_digit(word)
    ]
    return kept or words[:1]


def shuffle_words(words: list[str], rng: np.random.Generator) -> list[str]:
    """The words in another order; a number stands before the same word as ever ("500 ml", "2 pack")."""
    units: list[list[str]] = []
    for word in words:
        if units and _is_number(units[-1][-1]):
            units[-1].append(word)
        else:
            units.append([word])
    return [word for number in rng.permutation(len(units)) for word in units[number]]


def _has_digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def _is_number(word: str) -> bool:
    return word.replace(".", "").replace(",", "").isdigit()
