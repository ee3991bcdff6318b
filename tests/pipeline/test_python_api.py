"""The same as Python: every command is a function of `eclip`, and paths may be text."""

from __future__ import annotations

import csv
import inspect
import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commandline import Result, done
from PIL import Image

import eclip
from eclip.products.store import Store

pytestmark = pytest.mark.slow


def test_the_whole_story_with_paths_as_text(result: Result, tmp_path: Path) -> None:
    feed, store, model = str(result.feed), str(tmp_path / "store"), str(tmp_path / "model")
    images = str(result.shop)
    assert eclip.prepare(feed, store=store, images=images).rows_kept == Store.open(Path(store)).num_rows
    assert eclip.prepare(feed, store=store, images=images, dry_run=True).rows > 100
    assert eclip.train(store, out=model, recipe=str(result.recipe), steps=2).steps == 2
    assert eclip.embed(store, model=model).rows == Store.open(Path(store)).num_rows
    assert eclip.embed(feed, model=model, out=str(tmp_path / "v.parquet"), images=images).rows > 100
    assert {each.task for each in eclip.fit(store, model=model)} >= {"category", "matching"}
    evaluation = eclip.evaluate(store, model=model, out=str(tmp_path / "report"), compare=str(result.out / "model"))
    assert evaluation.report.is_file()
    enriched = eclip.enrich(feed, model=model, store=store, images=images, out=str(tmp_path / "e.parquet"))
    assert enriched.rows > 100
    picture = next((result.shop / "images").glob("L*.jpg"))
    assert len(eclip.search(store, "shoe", model=model, image=str(picture), top_k=3)) == 3
    second = eclip.train(store, out=str(tmp_path / "second"), recipe=str(result.recipe), init=model, steps=1)
    assert second.steps == 1


@pytest.mark.parametrize("name", ["embed", "sample", "search", "serve", "train"])
def test_a_command_stays_callable_once_the_package_of_its_name_is_loaded(name: str, tmp_path: Path) -> None:
    import_module(f"eclip.{name}")
    assert sys.modules[f"eclip.{name}"] is getattr(eclip, name)
    wrong = {"train": {"out": tmp_path / "model"}, "sample": {"seed": -1}}.get(name, {"model": tmp_path})
    assert set(wrong) <= set(inspect.signature(getattr(eclip, name)).parameters)
    with pytest.raises(eclip.EclipError):
        getattr(eclip, name)(tmp_path / "none", **wrong)


def test_run_as_a_function(result: Result, out: Path) -> None:
    summary = eclip.run(str(result.feed), out=str(out), recipe=str(result.recipe))
    assert summary.store == out / "store"
    assert summary.evaluation.results


def test_model_as_an_object(result: Result) -> None:
    model = eclip.load_model(str(result.out / "model"))
    path = next((result.shop / "images").glob("L*.jpg"))
    images = [str(path), path, path.read_bytes(), Image.open(path), None, "no such picture.jpg", b"no picture"]
    vectors = model.encode_image(images)
    assert vectors.shape == (7, model.embed_dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors[1:4], np.broadcast_to(vectors[0], (3, model.embed_dim)), atol=1e-6)
    assert np.isnan(vectors[4:]).all()
    texts = model.encode_text(["red shoe", None, "  "])
    np.testing.assert_allclose(np.linalg.norm(texts[0]), 1, atol=1e-5)
    assert np.isnan(texts[1:]).all()
    products = model.encode_products(["red shoe", "red shoe", None, None], [str(path), None, str(path), None])
    mean = products.image[0] + products.text[0]
    np.testing.assert_allclose(products.product[0], mean / np.linalg.norm(mean), atol=1e-5)
    np.testing.assert_allclose(products.product[1], products.text[1], atol=1e-5)
    np.testing.assert_allclose(products.product[2], products.image[2], atol=1e-5)
    assert np.isnan(products.product[3]).all()


def test_errors_are_one_family(tmp_path: Path) -> None:
    with pytest.raises(eclip.EclipError, match="no such file"):
        eclip.prepare(str(tmp_path / "feed.csv"), store=str(tmp_path / "store"))
    with pytest.raises(eclip.EclipError, match="no model folder"):
        eclip.load_model(str(tmp_path / "model"))
    with pytest.raises(AttributeError, match="no attribute 'evaluat'"):
        eclip.evaluat  # noqa: B018


@pytest.mark.parametrize("kind", ["tsv", "jsonl", "parquet"])
def test_other_formats_make_the_same_store(result: Result, bare_store: Path, tmp_path: Path, kind: str) -> None:
    with result.feed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    feed = tmp_path / f"feed.{kind}"
    if kind == "tsv":
        with feed.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter="\t")
            writer.writeheader()
            writer.writerows(rows)
    elif kind == "jsonl":
        for row in rows:
            row["attributes"] = json.loads(row["attributes"] or "{}")
        feed.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    else:  # pictures as bytes in a column
        pictures = [result.shop / row.pop("image") for row in rows]
        table = pa.Table.from_pylist(rows)
        contents = [path.read_bytes() if path.is_file() else None for path in pictures]
        pq.write_table(table.append_column("image_bytes", pa.array(contents, pa.binary())), feed)
    done("prepare", feed, "--store", tmp_path / "store", "--images", result.shop)
    ours, expected = Store.open(tmp_path / "store"), Store.open(bare_store)
    columns = ("product_id", "title", "category", "price", "image_hash", "duplicate_of", "split", "attributes")
    assert ours.table(columns).equals(expected.table(columns))
