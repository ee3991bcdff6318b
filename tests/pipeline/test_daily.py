"""`eclip daily`: tomorrow's feed in one command, nothing encoded twice into the store."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from commandline import Result, done, eclip

from eclip.embed import job
from eclip.inference.encoder import FastEncoder
from eclip.products.store import Store

pytestmark = pytest.mark.slow


def tomorrow(result: Result, feed: Path) -> tuple[str, str]:
    """Ten listings of today, of which one gets another title and one another price, and a new one; two ids."""
    with result.feed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:10]
    rows[3]["title"] = "Entirely other words"
    rows[4]["price"] = "1"
    new = {**rows[0], "product_id": "brand-new", "title": "빨간 새 운동화", "seller": "Nobody Before"}
    with feed.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows([*rows, new])
    return rows[3]["product_id"], "brand-new"


def test_a_day(result: Result, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed, out = tmp_path / "tomorrow.csv", tmp_path / "answers.parquet"
    changed, new = tomorrow(result, feed)
    before = Store.open(store)
    splits = dict(zip(*before.table(["product_id", "split"]).to_pydict().values(), strict=True))
    encoded: list[str] = []
    real = job.encode_rows

    def counted(encoder: object, rows: object, **options: object) -> object:
        encoded.extend(rows["product_id"].to_pylist())
        return real(encoder, rows, **options)

    monkeypatch.setattr(job, "encode_rows", counted)
    titles: list[str] = []
    encode_text = FastEncoder.encode_text

    def noted(encoder: FastEncoder, some: list[str]) -> object:
        titles.extend(some)
        return encode_text(encoder, some)

    monkeypatch.setattr(FastEncoder, "encode_text", noted)
    arguments = ("--store", store, "--model", result.out / "model", "--out", out, "--images", result.shop)
    answer = done("daily", feed, *arguments)
    assert sorted(encoded) == sorted([changed, new])  # the other price needs no new vector
    assert sorted(titles) == ["Entirely other words", "빨간 새 운동화"]  # and the answers none either
    for line in ("new 1", "changed 2", "unchanged 8"):
        assert line in " ".join(answer.out.split())
    after = Store.open(store)
    assert after.num_rows == before.num_rows + 1
    assert after.vectors(model_digest=None).num_rows == after.num_rows
    now = dict(zip(*after.table(["product_id", "split"]).to_pydict().values(), strict=True))
    assert {key: now[key] for key in splits} == splits
    answers = pq.read_table(out).to_pydict()
    assert answers["product_id"][-1] == new
    assert len(answers["product_id"]) == 11
    found = done("search", store, "--model", result.out / "model", "빨간 새 운동화", "--top-k", "200", "--json")
    assert "brand-new" in found.out
    assert eclip("daily", feed, *arguments).status == 0
    assert len(encoded) == 2
    assert Store.open(store).digest == after.digest


def test_a_wrong_model_leaves_the_store_alone(result: Result, store: Path, tmp_path: Path) -> None:
    feed = tmp_path / "tomorrow.csv"
    tomorrow(result, feed)
    before = Store.open(store).manifest
    answer = eclip("daily", feed, "--store", store, "--model", tmp_path / "none", "--out", tmp_path / "a.parquet")
    answer.assert_fault("none")
    assert Store.open(store).manifest == before


def test_removing_is_part_of_an_update(result: Result, tmp_path: Path) -> None:
    answer = eclip("prepare", result.feed, "--store", tmp_path / "store", "--remove-missing")
    answer.assert_fault("--remove-missing", "--update")
