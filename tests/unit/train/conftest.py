"""A small store for tests of training."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from eclip.products.prepare import prepare_store
from eclip.products.store import Store


@pytest.fixture(scope="session")
def plain_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """60 products, no two of one catalog, title or picture, each fourth with a category of its own kind."""
    folder = tmp_path_factory.mktemp("plain")
    lines = []
    for row in range(60):
        pixels = np.random.default_rng(row).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{row}.png")
        lines.append(f"{row},Thing number {row} of {row * 7},{row}.png,Kind {row % 4}\n")
    (folder / "feed.csv").write_text("id,title,image,category\n" + "".join(lines))
    prepare_store(folder / "feed.csv", folder / "store", images=None, columns="", category_separator=None)
    return Store.open(folder / "store")
