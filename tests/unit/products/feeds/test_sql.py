"""Databases as feeds: SQLite by itself, PostgreSQL against a real server."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from eclip.errors import ConfigError, FeedError, MissingExtraError
from eclip.products.feeds import feed_facts, open_feed
from eclip.products.feeds.sql import checked_query, shown_url
from eclip.products.listings import read_listings

PASSWORD = "s3cret!@x/#"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE p (id TEXT, title TEXT, price, image BLOB)")
        rows = [("007", "NA", 7, b"\xff\xd8"), ("8", "방충망 롤", "9.90", None), ("9", None, None, None)]
        connection.executemany("INSERT INTO p VALUES (?, ?, ?, ?)", rows)
    connection.close()
    return path


class TestSqlite:
    def test_rows_of_a_query(self, shop: Path) -> None:
        query = "SELECT id, title, price AS cost, image FROM p ORDER BY id;"
        expected = [
            {"id": "007", "title": "NA", "cost": "7", "image": b"\xff\xd8"},
            {"id": "8", "title": "방충망 롤", "cost": "9.90", "image": None},
            {"id": "9", "title": None, "cost": None, "image": None},
        ]
        for place in (shop, f"sqlite:///{shop}"):
            feed = open_feed(place, sql=query)
            assert (feed.columns, feed.num_rows) == (("id", "title", "cost", "image"), 3)
            batches = list(feed.batches(2))
            assert [batch.rows for batch in batches] == [[1, 2], [3]]
            assert [row for batch in batches for row in batch.table.to_pylist()] == expected
            assert [batch.table.column_names for batch in feed.batches(5, columns=["cost"])] == [["cost"]]

    def test_prepared_as_any_feed(self, shop: Path) -> None:
        feed = open_feed(shop, sql="with x as (select * from p) select id, title from x")
        (table,) = read_listings(feed, images=None, columns="", category_separator=None, batch_size=9)
        assert table["title"].to_pylist() == ["NA", "방충망 롤", None]
        assert table["reject_reason"].to_pylist()[2] == "no title and no picture"

    @pytest.mark.parametrize("query", ["DELETE FROM p", "-- x\n /* y */ drop table p", "", "PRAGMA x", "selection"])
    def test_what_does_not_read_is_refused(self, shop: Path, query: str) -> None:
        with pytest.raises(ConfigError, match="expected one query that reads"):
            open_feed(shop, sql=query)

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("SELECT nope FROM p", "no such column: nope"),
            ("SELECT 1; DROP TABLE p", "refuses --sql"),
            ("WITH x AS (SELECT 1) DELETE FROM p", "refuses --sql"),
            ("SELECT id FROM p WHERE 0", "gives no rows"),
        ],
    )
    def test_faults_end_in_one_line(self, shop: Path, query: str, expected: str) -> None:
        with pytest.raises(FeedError, match=expected) as caught:
            open_feed(shop, sql=query)
        assert "\n" not in str(caught.value)
        assert open_feed(shop, sql="SELECT * FROM p").num_rows == 3

    def test_a_database_needs_a_query(self, shop: Path, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="say with --sql"):
            open_feed(shop)
        with pytest.raises(FeedError, match="no such SQLite file"):
            open_feed(f"sqlite:///{tmp_path}/none.db", sql="select 1")

    def test_facts_change_with_the_file_and_the_query(self, shop: Path) -> None:
        facts = feed_facts(shop, sql="select 1")
        assert facts == feed_facts(shop, sql="select 1")
        assert facts != feed_facts(shop, sql="select 2")
        assert feed_facts(f"sqlite:///{shop}", sql="select 1")["bytes"] == shop.stat().st_size


def test_queries_and_addresses() -> None:
    assert checked_query(" -- note\nSELECT 1 ; ") == "-- note\nSELECT 1 "
    assert shown_url("postgresql://me:a%40b@h:1/db?password=x") == "postgresql://h:1/db"
    assert "x" not in str(feed_facts("postgresql://me:x@h/db", sql="select 1"))


def test_without_the_driver_the_pip_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'eclip\[sql\]'"):
        open_feed("postgresql://me:x@127.0.0.1:1/db", sql="select 1")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A real PostgreSQL in a folder of its own; yields its address with user and password."""
    pytest.importorskip("adbc_driver_postgresql", reason="PostgreSQL's driver is not installed (pip install '.[sql]')")
    bins = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or (str(bins[-1]) if bins else None)
    if found is None:
        pytest.skip("no PostgreSQL server here (apt-get install postgresql)")
    as_user = []
    if os.geteuid() == 0:  # initdb refuses root
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if shutil.which("setpriv") is None or subprocess.run([*as_user, "true"], capture_output=True).returncode:
            pytest.skip("a PostgreSQL server does not start as root, and there is no user postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="eclip-pg-"))
    (folder / "password").write_text(PASSWORD)
    if as_user:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")
    run = {"check": True, "capture_output": True, "timeout": 120}
    control = [*as_user, str(Path(found).parent / "pg_ctl"), "-D", str(folder / "data"), "-w"]
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    initdb = [*as_user, found, "-D", str(folder / "data"), "-U", "shop", "-A", "scram-sha-256", "--no-sync"]
    subprocess.run([*initdb, "-E", "UTF8", f"--pwfile={folder / 'password'}"], **run)
    subprocess.run([*control, "-o", settings, "-l", str(folder / "log"), "start"], **run | {"capture_output": False})
    try:
        yield f"postgresql://shop:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True, timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def products(server: str) -> str:
    """The server with a table of products."""
    import adbc_driver_postgresql.dbapi as driver

    with driver.connect(server) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE p AS SELECT lpad(i::text, 5, '0') AS id, 'Lamp ' || i AS title, (i * 1.1)::numeric(10, 2) "
            "AS price, decode('ffd8', 'hex') AS image, ARRAY['Home', 'Light/Lamp'] AS category, "
            """'{"color": "red"}'::jsonb AS attributes, gen_random_uuid() AS catalog_id, i AS n """
            "FROM generate_series(1, 5000) AS i"
        )
        cursor.execute("CREATE SEQUENCE s")
        connection.commit()
    return server


@pytest.mark.slow
class TestPostgres:
    def test_rows_of_a_query(self, products: str) -> None:
        feed = open_feed(products, sql="SELECT * FROM p ORDER BY n")
        assert (feed.num_rows, feed.platform) == (5000, None)
        assert feed.columns == ("id", "title", "price", "image", "category", "attributes", "catalog_id", "n")
        batches = list(feed.batches(1000))
        assert max(len(batch.rows) for batch in batches) <= 1000
        assert [row for batch in batches for row in batch.rows] == list(range(1, 5001))
        assert batches[0].table["id"].to_pylist()[:2] == ["00001", "00002"]
        assert batches[0].table["image"].to_pylist()[0] == b"\xff\xd8"

    def test_prepared_as_any_feed(self, products: str) -> None:
        feed = open_feed(products, sql="SELECT id, title, price, category, attributes, catalog_id FROM p WHERE n = 7")
        (table,) = read_listings(feed, images=None, columns="", category_separator=None, batch_size=9)
        (row,) = table.to_pylist()
        assert (row["product_id"], row["title"], row["price"]) == ("00007", "Lamp 7", 7.7)
        assert (row["category"], row["attributes"]) == (["Home", "Light/Lamp"], [("color", ["red"])])
        assert len(row["feed_catalog_id"]) == 36

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("WITH gone AS (DELETE FROM p RETURNING id) SELECT id FROM gone", "refuses"),
            ("SELECT 1; DROP TABLE p", "refuses"),
            ("SELECT pg_sleep(0) FROM nowhere", 'relation "nowhere" does not exist'),
            ("SELECT id FROM p WHERE false", "gives no rows"),
        ],
    )
    def test_faults_end_in_one_line_and_change_nothing(self, products: str, query: str, expected: str) -> None:
        with pytest.raises(FeedError, match=expected) as caught:
            open_feed(products, sql=query)
        assert "\n" not in str(caught.value)
        assert open_feed(products, sql="SELECT id FROM p").num_rows == 5000

    def test_a_function_that_writes_is_refused_by_the_server(self, products: str) -> None:
        with pytest.raises(FeedError, match="read-only transaction"):
            open_feed(products, sql="SELECT nextval('s') AS id FROM p")

    def test_passwords_appear_nowhere(self, products: str) -> None:
        feed = open_feed(products, sql="SELECT id FROM p")
        wrong = products.replace(quote(PASSWORD, safe=""), "wr0ng%21")
        with pytest.raises(FeedError, match="password authentication failed") as caught:
            open_feed(wrong, sql="SELECT id FROM p")
        said = f"{caught.value} {feed.source} {feed.facts()}"
        assert not any(secret in said for secret in (PASSWORD, quote(PASSWORD, safe=""), "wr0ng", "shop:"))
        with pytest.raises(FeedError, match=r"refuses: connection to server at .* failed: Connection refused"):
            open_feed("postgresql://shop:wr0ng@127.0.0.1:1/postgres", sql="SELECT 1")
