"""Feeds with flipped, cut and inserted bytes: each ends in a `FeedError` of one line, or costs only rows."""

from __future__ import annotations

import gzip
import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from eclip.errors import EclipError
from eclip.products.feeds import open_feed
from eclip.products.listings import plan_listings, planned_listings

MUTATIONS = 60
ROWS = [
    {"id": f"A{row}", "title": f'빨간 "shoe", No {row}', "price": f"{row}.50 EUR", "category": "Shoes > Red"}
    for row in range(12)
]


def _csv(path: Path) -> None:
    quoted = ("".join(f'"{value.replace(chr(34), chr(34) * 2)}",' for value in row.values())[:-1] for row in ROWS)
    path.write_text("\n".join([",".join(ROWS[0]), *quoted]) + "\n", encoding="utf-8")


def _utf16(path: Path) -> None:
    _csv(path)
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))


def _gzipped(path: Path) -> None:
    _csv(path)
    path.write_bytes(gzip.compress(path.read_bytes()))


def _jsonl(path: Path) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), encoding="utf-8")


def _json(path: Path) -> None:
    path.write_text(json.dumps(ROWS, ensure_ascii=False, indent=1), encoding="utf-8")


def _xml(path: Path) -> None:
    items = "".join(
        f"<item><g:id>{row['id']}</g:id><title>{row['title']}</title><g:price>{row['price']}</g:price></item>"
        for row in ROWS
    )
    head = '<?xml version="1.0" encoding="utf-8"?><rss xmlns:g="http://base.google.com/ns/1.0"><channel>'
    path.write_text(f"{head}{items}</channel></rss>", encoding="utf-8")


def _excel(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [list(ROWS[0]), *(list(row.values()) for row in ROWS)]:
        book.active.append(row)
    book.save(path)


def _parquet(path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), path)


def _arrow(path: Path) -> None:
    feather.write_feather(pa.Table.from_pylist(ROWS), str(path), compression="uncompressed")


def _sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE goods (id, title, price, category)")
    connection.executemany("INSERT INTO goods VALUES (?, ?, ?, ?)", [tuple(row.values()) for row in ROWS])
    connection.commit()
    connection.close()


KINDS: dict[str, Callable[[Path], None]] = {
    "feed.csv": _csv,
    "utf16.csv": _utf16,
    "feed.csv.gz": _gzipped,
    "feed.jsonl": _jsonl,
    "feed.json": _json,
    "feed.xml": _xml,
    "feed.xlsx": _excel,
    "feed.parquet": _parquet,
    "feed.arrow": _arrow,
    "shop.db": _sqlite,
}


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Some bits flipped, a piece cut out or the end cut off, or bytes put in."""
    broken = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        place = rng.randrange(len(broken)) if broken else 0
        match rng.choice(("flip", "flip", "cut", "end", "insert", "zero")):
            case "flip" if broken:
                broken[place] ^= 1 << rng.randrange(8)
            case "cut":
                del broken[place : place + rng.randrange(1, 40)]
            case "end":
                del broken[place:]
            case "insert":
                broken[place:place] = rng.choice((rng.randbytes(rng.randrange(1, 30)), b'"', b"\n", b"<", b"{["))
            case "zero":
                broken[place : place + 4] = bytes(4)
    return bytes(broken)


def read_through(path: Path) -> int:
    """Rows of a feed, cleaned as `prepare` does."""
    opened = open_feed(path, sql="SELECT * FROM goods" if path.suffix == ".db" else None)
    plan = plan_listings(opened, fetch_images="none")
    assert plan.feed.num_rows >= 0
    return sum(table.num_rows for table in planned_listings(plan, batch_size=5))


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_feed_ends_in_one_line_or_costs_its_rows(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    KINDS[name](path)
    whole = path.read_bytes()
    assert read_through(path) == len(ROWS)
    rng = random.Random(name)
    told = []
    for _ in range(MUTATIONS):
        path.write_bytes(mutated(whole, rng))
        try:
            read_through(path)
        except EclipError as fault:
            told.append(str(fault))
    assert [line for line in told if len(line.splitlines()) != 1 or len(line) > 4000] == []
    assert len(told) < MUTATIONS or name.endswith(".gz")  # some only cost rows; packed, a checksum tells nearly all
