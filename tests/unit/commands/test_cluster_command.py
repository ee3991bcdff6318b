"""`eclip cluster` on a feed: files that are written, ids that stay, faults in one line; a stand-in for the towers."""

from __future__ import annotations

import csv
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest

from eclip.commands.cluster import cluster
from eclip.errors import ConfigError, FeedError, ModelError
from eclip.tasks.clustering.catalogs import fit_clustering
from eclip.tasks.clustering.clusterfile import CLUSTERS_SCHEMA, REVIEW_SCHEMA, write_table
from eclip.tasks.clustering.listings import Listings
from eclip.tasks.taskfiles import write_task

pytestmark = pytest.mark.slow

DIGEST = "d1"


def offers(seed, num_products):
    """(product id, title, seller) of up to four sellers' offers of each product, and the products."""
    rng = np.random.default_rng(seed)
    rows, truth = [], []
    for product in range(num_products):
        code = f"{''.join(rng.choice(list('bcdfghkm'), 3))}{rng.integers(1000, 9999)}"
        noun = rng.choice(["kettle", "lamp", "oven"])
        for seller in rng.permutation(6)[: rng.integers(1, 5)]:
            title = f"acme {code} {noun} {['free delivery', 'new', ''][seller % 3]}"
            rows.append((f"p{product}-{seller}", title.strip(), f"s{seller}"))
            truth.append(product)
    return rows, np.array(truth)


def write_feed(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("product_id", "title", "seller"), *rows])
    return path


def read_rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def edges():
    rows, truth = offers(0, 150)
    listings = Listings.of_columns({"title": [row[1] for row in rows], "seller": [row[2] for row in rows]})
    return fit_clustering(listings, truth, seed=0).as_json()


@pytest.fixture
def model(tmp_path, edges, monkeypatch):
    folder = tmp_path / "model" / "tasks" / "clustering"
    folder.mkdir(parents=True)
    write_task(folder, {"model": DIGEST, "edges": edges})

    def encode(titles, pictures):
        nothing = np.full((len(titles), 4), np.nan, dtype=np.float32)
        return SimpleNamespace(image=nothing, text=nothing)

    encoder = SimpleNamespace(manifest={}, encode_products=encode)
    monkeypatch.setattr("eclip.model.folder.load_model", lambda _: encoder)
    monkeypatch.setattr("eclip.model.folder.read_manifest", lambda _: {"digest": DIGEST})
    return tmp_path / "model"


def test_files_and_ids_that_stay(model, tmp_path):
    rows, truth = offers(1, 40)
    feed = write_feed(tmp_path / "feed.csv", [*rows, ("empty", "", "s1")])
    found = cluster(feed, model=model, out=tmp_path / "one.csv", review=tmp_path / "review.parquet")
    first = {row["product_id"]: row for row in read_rows(tmp_path / "one.csv")}
    assert list(first) == [row[0] for row in rows]
    assert (found.rows, found.unusable, found.was_split, found.was_merged) == (len(rows), 1, 0, 0)
    assert all(0 <= float(row["confidence"]) <= 1 for row in first.values())
    of_product = {
        product: {first[row[0]]["cluster_id"] for row, p in zip(rows, truth, strict=True) if p == product}
        for product in set(truth.tolist())
    }
    assert np.mean([len(names) == 1 for names in of_product.values()]) > 0.9
    assert pq.read_schema(tmp_path / "review.parquet").equals(REVIEW_SCHEMA)
    more, _ = offers(2, 10)
    fresh = [(f"new{row[0]}", *row[1:]) for row in more]
    again = cluster(
        write_feed(tmp_path / "later.csv", [*fresh, *rows[5:]]),
        model=model,
        out=tmp_path / "two.parquet",
        previous=tmp_path / "one.csv",
    )
    table = pq.read_table(tmp_path / "two.parquet")
    assert table.schema.equals(CLUSTERS_SCHEMA)
    later = dict(zip(table["product_id"].to_pylist(), table["cluster_id"].to_pylist(), strict=True))
    stayed = np.mean([later[row[0]] == first[row[0]]["cluster_id"] for row in rows[5:]])
    assert stayed > 0.95
    assert again.was_split <= 1
    assert not {later[row[0]] for row in fresh} & {row["cluster_id"] for row in first.values()}


def test_a_title_is_no_formula_in_a_spreadsheet(tmp_path):
    titles = ["=HYPERLINK(1)", "-20% red mug", "red mug", None]
    columns = {name: [None] * 4 for name in REVIEW_SCHEMA.names} | {"title": titles}
    for name in ("review.csv", "review.parquet"):
        write_table(tmp_path / name, REVIEW_SCHEMA, columns)
    assert [row["title"] for row in read_rows(tmp_path / "review.csv")] == [
        "'=HYPERLINK(1)",
        "-20% red mug",
        "red mug",
        "",
    ]
    assert pq.read_table(tmp_path / "review.parquet")["title"].to_pylist() == titles


def test_faults_are_one_clear_line(model, tmp_path):
    feed = write_feed(tmp_path / "feed.csv", offers(1, 5)[0])
    with pytest.raises(ConfigError, match=r"--out .*\.csv or \.parquet"):
        cluster(feed, model=model, out=tmp_path / "out.txt")
    with pytest.raises(ConfigError, match="no such file"):
        cluster(feed, model=model, out=tmp_path / "out.csv", previous=tmp_path / "gone.csv")
    with pytest.raises(FeedError, match="no column cluster_id"):
        cluster(feed, model=model, out=tmp_path / "out.csv", previous=feed)
    write_task(model / "tasks" / "clustering", {"model": DIGEST, "edges": None})
    with pytest.raises(ModelError, match="eclip fit"):
        cluster(feed, model=model, out=tmp_path / "out.csv")
