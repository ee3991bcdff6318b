"""Real feeds, whole, from file to store."""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from eclip.products.prepare import prepare_store
from eclip.products.report.figures import shared_pictures
from eclip.products.store import Store

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif("ECLIP_DATA" not in os.environ, reason="ECLIP_DATA names no folder of real data"),
]


def prepared(tmp_path: Path, name: str, columns: str) -> Store:
    feed = Path(os.environ["ECLIP_DATA"]) / name
    prepare_store(feed, tmp_path / "store", images=None, columns=columns, category_separator=None)
    return Store.open(tmp_path / "store")


def test_magento_csv_with_a_folder(tmp_path: Path) -> None:
    store = prepared(tmp_path, "magento_luma/products.csv", "model_id=catalog_id,size=size")
    summary = store.manifest["summary"]
    assert (store.num_rows, summary["pictures"], summary["rejected"]) == (2038, 2038, {})
    sides: dict[str, set[str]] = {}
    catalogs: dict[str, set[str]] = {}
    for row in store.table(["feed_catalog_id", "feed_model_id", "catalog_id", "split"]).to_pylist():
        assert row["feed_catalog_id"] is None
        sides.setdefault(row["feed_model_id"], set()).add(row["split"])
        catalogs.setdefault(row["catalog_id"], set()).add(row["feed_model_id"])
    assert all(len(models) == 1 for catalog, models in catalogs.items() if catalog)  # given models are never joined
    assert all(len(split) == 1 for split in sides.values())
    assert Counter(len(path) for path in store.table(["category"])["category"].to_pylist())[3] > 0


def test_korean_listings_keep_their_slashes(tmp_path: Path) -> None:
    store = prepared(tmp_path, "naver_ko/products.csv", "")
    assert store.manifest["summary"]["rejected"] == {"repeated product id": 1}
    assert store.table(["category"])["category"][0].as_py()[0] == "생활/건강"
    assert set(store.table(["language"])["language"].to_pylist()) <= {"ko", "en", None}


def first_rows(tmp_path: Path, name: str, num_rows: int) -> Path:
    """The first rows of a real feed as a feed of its own."""
    rows = pq.ParquetFile(Path(os.environ["ECLIP_DATA"]) / name).iter_batches(num_rows)
    pq.write_table(pa.Table.from_batches([next(rows)]), tmp_path / "feed.parquet")
    return tmp_path / "feed.parquet"


def test_all_pictures_of_fashion_that_are_the_same_to_the_pixel_are_found(tmp_path: Path) -> None:
    feed = Path(os.environ["ECLIP_DATA"]) / "fashion" / "products.parquet"
    pixels = Counter()
    for batch in pq.ParquetFile(feed).iter_batches(2_000, columns=["image_bytes"]):
        for image in batch["image_bytes"].to_pylist():
            if image is not None:
                decoded = Image.open(io.BytesIO(image)).convert("RGB")
                pixels[hashlib.sha256(repr(decoded.size).encode() + decoded.tobytes()).digest()] += 1
    expected = sum(size > 1 for size in pixels.values())
    prepare_store(feed, tmp_path / "store", columns="image=image_bytes,attributes.colour=baseColour")
    store = Store.open(tmp_path / "store")
    table = store.table(["image_hash", "title"])
    found = shared_pictures(table["image_hash"].to_pylist(), table["title"].to_pylist())
    assert found.groups == expected == 519
    page = (tmp_path / "store" / "report.html").read_text(encoding="utf-8")
    assert f"{found.under_different_titles:,} of them under different titles" in page


def test_fashion_with_pictures_in_a_column(tmp_path: Path) -> None:
    feed = first_rows(tmp_path, "fashion/products.parquet", 2_000)
    prepare_store(feed, tmp_path / "store", columns="image=image_bytes,attributes.colour=baseColour")
    store = Store.open(tmp_path / "store")
    assert store.num_rows == 2_000
    table = store.table(["title", "category", "attributes", "catalog_id", "perceptual_hash", "image_hash"])
    assert table["image_hash"].null_count <= 5
    assert table["perceptual_hash"].null_count == table["image_hash"].null_count
    assert {len(path) for path in table["category"].to_pylist()} == {3}
    assert sum("colour" in dict(pairs) for pairs in table["attributes"].to_pylist()) > 1_900
    # One seller's earrings of one name are many products: a title alone makes no catalog here.
    sizes = Counter(catalog for catalog in table["catalog_id"].to_pylist() if catalog)
    assert max(sizes.values(), default=0) < 10


def test_hm_with_variants_and_descriptions(tmp_path: Path) -> None:
    feed = first_rows(tmp_path, "hm/products.parquet", 1_000)
    prepare_store(feed, tmp_path / "store", columns="model_id=catalog_id,description=detail_desc")
    table = Store.open(tmp_path / "store").table(["feed_model_id", "model_id", "description", "split"])
    assert table["feed_model_id"].null_count == 0
    assert table["description"].null_count < 20
    sides: dict[str, set[str]] = {}
    for row in table.to_pylist():
        assert row["model_id"] == row["feed_model_id"]
        sides.setdefault(row["model_id"], set()).add(row["split"])
    assert all(len(split) == 1 for split in sides.values())
