"""A little catalogue whose truth can be learned from its vectors."""

from __future__ import annotations

import numpy as np
import pytest

from eclip.tasks.catalogue import Catalogue


def objects(values) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def make_catalogue(num_products: int = 240, *, listings: int = 3, dim: int = 24, seed: int = 0) -> Catalogue:
    """Products of 4 leaves in 2 departments, 3 colours, 3 sellers; every 7th product is for adults."""
    shuffled = np.random.default_rng(seed)
    leaves = [("home", "mug"), ("home", "lamp"), ("wear", "shirt"), ("wear", "hat")]
    colours = ("red", "green", "blue")
    product = np.repeat(np.arange(num_products), listings)
    directions = shuffled.normal(size=(8, dim))
    centre = (
        2 * directions[product % 4]
        + 2 * directions[4 + product % 3]
        + 2.5 * directions[7] * (product % 7 == 0)[:, None]
        + shuffled.normal(size=(num_products, dim))[product]
    )

    def noisy() -> np.ndarray:
        vectors = (centre + 0.3 * shuffled.normal(size=centre.shape)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    splits = np.array(["train"] * 8 + ["validation", "test"], dtype=object)
    none = objects([None] * len(product))
    return Catalogue(
        product_ids=objects([f"p{row}" for row in range(len(product))]),
        titles=[f"{colours[p % 3]} {leaves[p % 4][1]} no {p}" for p in product],
        split=splits[product // 2 % 10],
        categories=[leaves[p % 4] for p in product],
        attributes=[{"colour": (colours[p % 3],)} if p % 5 else {} for p in product],
        catalog_ids=objects([f"c{p}" for p in product]),
        model_ids=none,
        image_hashes=objects([f"h{row}" for row in range(len(product))]),
        policies=objects(["adult" if p % 7 == 0 else None for p in product]),
        duplicate_of=none,
        image_vectors=noisy(),
        text_vectors=noisy(),
    )


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return make_catalogue()
