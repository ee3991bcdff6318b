"""Real feeds, whole, from file to store."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from eclip.products.prepare import prepare_store
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
    assert (store.num_rows, summary["pictures"], summary["rejected"], summary["catalogs"]) == (
        2038,
        2038,
        {},
        0,
    )
    sides: dict[str, set[str]] = {}
    for row in store.table(["model_id", "split"]).to_pylist():
        sides.setdefault(row["model_id"], set()).add(row["split"])
    assert all(len(split) == 1 for split in sides.values())
    assert Counter(len(path) for path in store.table(["category"])["category"].to_pylist())[3] > 0


def test_korean_listings_keep_their_slashes(tmp_path: Path) -> None:
    store = prepared(tmp_path, "naver_ko/products.csv", "")
    assert store.manifest["summary"]["rejected"] == {"repeated product id": 1}
    assert store.table(["category"])["category"][0].as_py()[0] == "생활/건강"
    assert set(store.table(["language"])["language"].to_pylist()) <= {"ko", "en", None}
