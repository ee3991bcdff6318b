"""Drawings and words without a disk."""

from __future__ import annotations

import itertools
from random import Random

import numpy as np
import pytest

from eclip.sample.departments import LEAVES
from eclip.sample.drawings.canvas import FINAL_SIZE
from eclip.sample.drawings.paint import COLOURS
from eclip.sample.goods import Product, gtin13, make_products
from eclip.sample.listings import edit_title, mistype
from eclip.sample.shapes import DRAWINGS, draw_product
from eclip.sample.words import COLOUR_WORDS, NOUNS


@pytest.fixture(scope="module")
def products() -> list[Product]:
    return make_products(260, seed=3)


def test_every_leaf_has_a_drawing_and_nouns_and_every_colour_words() -> None:
    keys = {leaf.key for leaf in LEAVES}
    assert keys == set(DRAWINGS) == set(NOUNS)
    assert set(COLOUR_WORDS) == set(COLOURS)
    assert len({leaf.path for leaf in LEAVES}) == len(LEAVES)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.key)
def test_two_products_of_a_leaf_differ_and_one_stays_itself(leaf, products: list[Product]) -> None:
    of_leaf = list({p.model_id: p for p in products if p.leaf is leaf}.values())
    first, second = (np.asarray(draw_product(p, seed=1), np.int16) for p in of_leaf[:2])
    assert first.shape == (FINAL_SIZE, FINAL_SIZE, 4)
    assert np.array_equal(first, np.asarray(draw_product(of_leaf[0], seed=1)))
    assert (np.abs(first - second).max(axis=2) > 16).mean() > 0.02  # of all pixels, background included
    covered = (first[..., 3] > 128).mean()
    assert 0.05 < covered < 0.85
    assert first[0, :, 3].max() == first[-1, :, 3].max() == 0  # nothing runs off the canvas


def test_colour_variants_share_their_shape(products: list[Product]) -> None:
    first, second = next(
        (a, b) for a, b in itertools.pairwise(products) if a.model_id == b.model_id and a.leaf.key == "mug"
    )
    a, b = (np.asarray(draw_product(p, seed=1)) for p in (first, second))
    assert np.array_equal(a[..., 3], b[..., 3])
    assert not np.array_equal(a[..., :3], b[..., :3])


def test_gtin_of_a_printed_example() -> None:
    assert gtin13("400638133393") == "4006381333931"  # GS1's own example


def test_slips_and_edits_change_a_title_a_little() -> None:
    rng = Random(0)
    for _ in range(200):
        tokens = ["Lumo", "Black", "Cotton", "티셔츠", "LX-2041"]
        slipped = mistype(tokens, rng)
        assert abs(len("".join(slipped)) - len("".join(tokens))) <= 1
        assert slipped != tokens or len("".join(slipped)) == len("".join(tokens))
        title = " ".join(tokens)
        assert edit_title(title, rng) != title
