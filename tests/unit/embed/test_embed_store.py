"""Vectors into a store: what an interrupted job left is taken up only for the very rows that it was of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eclip.embed import job
from eclip.embed.job import embed_store
from eclip.model.encoder import ProductVectors, product_vectors
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.products.update import update_store
from eclip.schema import EMBEDDING_COLUMNS

FIRST = "id,title\na,Red shoe\nb,Blue shoe\nc,Green hat\n"
MORE = FIRST + "d,Yellow sock\ne,Black bag\n"


class LengthEncoder:
    """Vectors that tell titles of different lengths apart, and one model from another."""

    embed_dim = 2

    def __init__(self, digest: str, number: int) -> None:
        self.digest, self.number = digest, number

    def encode_products(self, titles: list[str | None], images: list[bytes | None]) -> ProductVectors:
        text = np.array([[len(title or ""), self.number] for title in titles], dtype=np.float32)
        image = np.full_like(text, np.nan)
        return ProductVectors(image=image, text=text, product=product_vectors(image, text))


ONE, OTHER = LengthEncoder("one", 1), LengthEncoder("other", 2)


def update(folder: Path, text: str) -> None:
    (folder / "next.csv").write_text(text)
    update_store(folder / "next.csv", folder / "store", remove_missing=True)


def embed(folder: Path, encoder: LengthEncoder) -> int:
    return embed_store(Store.open(folder / "store"), encoder).rows


def stop_before_writing(folder: Path, encoder: LengthEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """All parts are there, and the store has none of it."""

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write_vectors", stop)
        with pytest.raises(KeyboardInterrupt):
            embed(folder, encoder)
    assert list((folder / "store" / "cache").glob("embedding*/part-*"))


def texts(folder: Path) -> list[list[float]]:
    return Store.open(folder / "store").vectors(model_digest=None)[EMBEDDING_COLUMNS[1]].to_pylist()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "feed.csv").write_text(FIRST)
    prepare_store(tmp_path / "feed.csv", tmp_path / "store")
    embed(tmp_path, ONE)
    return tmp_path


def test_another_model_in_between(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update(shop, MORE)
    stop_before_writing(shop, ONE, monkeypatch)  # two rows
    assert embed(shop, OTHER) == 5
    assert embed(shop, ONE) == 5
    assert texts(shop) == [[8, 1], [9, 1], [9, 1], [11, 1], [9, 1]]


def test_the_same_rows_go_on(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update(shop, MORE)
    stop_before_writing(shop, ONE, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(job, "encode_rows", None)  # nothing is encoded again
        assert embed(shop, ONE) == 2
    assert texts(shop) == [[8, 1], [9, 1], [9, 1], [11, 1], [9, 1]]
    assert not list((shop / "store" / "cache").glob("embedding*"))


def test_parts_of_a_run_killed_after_writing_go_with_the_next(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(job, "remove_all_parts", lambda beside: None)  # killed just before
        embed(shop, OTHER)
    assert list((shop / "store" / "cache").glob("embedding*/part-*"))
    assert embed(shop, OTHER) == 0
    assert not list((shop / "store" / "cache").glob("embedding*"))


def test_other_rows_in_the_same_places(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update(shop, MORE)
    stop_before_writing(shop, ONE, monkeypatch)
    update(shop, MORE.replace("Yellow sock", "A much longer title"))
    assert embed(shop, ONE) == 2
    assert sorted(texts(shop)) == sorted([[8, 1], [9, 1], [9, 1], [9, 1], [19, 1]])
