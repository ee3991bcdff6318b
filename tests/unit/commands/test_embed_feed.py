"""`eclip embed FEED --out`: what an interrupted job left is taken up as long as feed and pictures are as they were."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from eclip.commands.embed import embed
from eclip.embed import job
from eclip.inference import opening
from eclip.model import folder as model_folder
from eclip.model.encoder import ProductVectors, product_vectors


class PictureLengthEncoder:
    """Vectors that tell pictures of different sizes in bytes apart."""

    digest, embed_dim, backend = "lengths", 2, "none"

    def encode_products(self, titles: list[str | None], images: list[bytes | None]) -> ProductVectors:
        image = np.array([[len(picture or b""), 1] for picture in images], dtype=np.float32)
        return ProductVectors(image=image, text=image, product=product_vectors(image, image))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(opening, "open_encoder", lambda *_, **__: PictureLengthEncoder())
    monkeypatch.setattr(model_folder, "read_manifest", lambda _: {})
    draw(tmp_path, 8)
    (tmp_path / "feed.csv").write_text("id,title,image\na,Red shoe,a.png\n")
    return tmp_path


def draw(shop: Path, side: int) -> None:
    pixels = np.random.default_rng(side).integers(0, 255, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(shop / "a.png")


def stop_before_writing(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(job, "_parquet_schema", stop)
        with pytest.raises(KeyboardInterrupt):
            embed(shop / "feed.csv", model=shop, out=shop / "vectors.parquet")
    assert list(shop.glob("vectors.parquet.*.parts/part-*"))


def length(shop: Path) -> float:
    embed(shop / "feed.csv", model=shop, out=shop / "vectors.parquet")
    return pq.read_table(shop / "vectors.parquet")["image_embedding"].to_pylist()[0][0]


def test_a_changed_picture_is_encoded_anew(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = length(shop)
    stop_before_writing(shop, monkeypatch)
    draw(shop, 16)
    assert length(shop) > before
    assert not list(shop.glob("*.parts"))  # those of the old picture neither


def test_what_is_done_is_kept(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_before_writing(shop, monkeypatch)
    monkeypatch.setattr(job, "encode_rows", None)
    assert length(shop) > 0


def test_pictures_of_other_servers_than_public_ones_are_fetched_when_told(shop: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(shop))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/a.png"
        (shop / "feed.csv").write_text(f"id,title,image\na,Red shoe,{address}\n")
        lengths = {}
        for which in ("none", "any"):
            embed(shop / "feed.csv", model=shop, out=shop / "vectors.parquet", fetch_images=which)
            lengths[which] = pq.read_table(shop / "vectors.parquet")["image_embedding"].to_pylist()[0][0]
        server.shutdown()
    assert lengths == {"none": 0, "any": (shop / "a.png").stat().st_size}
