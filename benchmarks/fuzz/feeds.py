"""Any bytes as a feed of any kind: read through and cleaned as `prepare` does, or refused in one line."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

from eclip.errors import EclipError
from eclip.products.feeds import open_feed
from eclip.products.listings import plan_listings, planned_listings

SECONDS_EACH = 60
KINDS = ("csv", "tsv", "jsonl", "json", "xml", "csv.gz", "xlsx", "parquet", "arrow", "db", "xls")
_MOST_BYTES = 1 << 16
_ROWS = [
    {"id": f"A{row}", "title": f'빨간 "shoe", No {row}', "price": f"{row}.50 EUR", "category": "Shoes > Red"}
    for row in range(4)
]
_SHOPIFY = "Handle,Title,Vendor,Option1 Name,Option1 Value,Image Src,Variant Price\na,Shirt,Acme,Size,M,,9\na,,,,L,,9\n"
_MAGENTO = "sku,product_type,name,price,additional_attributes,categories\ns,simple,Shirt,9,color=red,Default/Shirts\n"

_folder = Path(tempfile.mkdtemp(prefix="eclip-fuzz-"))


def one(data: bytes) -> None:
    """Read a feed; the first byte says of which kind.

    Raises:
        AssertionError: A fault of more than one line, or rows that are not what was counted.
    """
    if len(data) < 2 or len(data) > _MOST_BYTES:
        return
    kind = KINDS[data[0] % len(KINDS)]
    path = _folder / f"feed.{kind}"
    path.write_bytes(data[1:])
    try:
        opened = open_feed(path, sql="SELECT * FROM goods" if kind == "db" else None)
        plan = plan_listings(opened, fetch_images="none")
        rows = sum(table.num_rows for table in planned_listings(plan, batch_size=5))
    except EclipError as fault:
        told = str(fault)
        if len(told.splitlines()) != 1 or len(told) > 5000:
            raise AssertionError("a fault of several lines, or of many words") from fault
        return
    assert rows == opened.num_rows, f"{rows} rows of {opened.num_rows}"


def seeds() -> list[bytes]:
    """A small feed of each kind."""
    lines = [",".join(_ROWS[0]), *(",".join(json.dumps(cell) for cell in row.values()) for row in _ROWS)]
    csv = "\n".join(lines).replace('\\"', '""').encode()
    array = json.dumps(_ROWS, ensure_ascii=False).encode()
    items = "".join(f"<item><g:id>{row['id']}</g:id><title>{row['title']}</title></item>" for row in _ROWS)
    xml = f'<?xml version="1.0" encoding="euc-kr"?><rss xmlns:g="http://base.google.com/ns/1.0">{items}</rss>'
    table, buffer = pa.Table.from_pylist(_ROWS), io.BytesIO()
    parquet, arrow = io.BytesIO(), io.BytesIO()
    pq.write_table(table, parquet)
    feather.write_feather(table, arrow, compression="uncompressed")
    with gzip.GzipFile(fileobj=buffer, mode="wb") as packed:
        packed.write(csv)
    contents = {
        "csv": [csv, csv.decode().encode("utf-16"), csv.replace(b",", b";"), _SHOPIFY.encode(), _MAGENTO.encode()],
        "tsv": [csv.replace(b",", b"\t")],
        "jsonl": [b"\n".join(json.dumps(row).encode() for row in _ROWS)],
        "json": [array, b'{"products": ' + array + b"}"],
        "xml": [xml.encode("euc-kr"), xml.replace("euc-kr", "utf-8").encode()],
        "csv.gz": [buffer.getvalue()],
        "parquet": [parquet.getvalue()],
        "arrow": [arrow.getvalue()],
        "db": [_database()],
    }
    return [bytes([KINDS.index(kind)]) + each for kind, all_of_it in contents.items() for each in all_of_it]


def _database() -> bytes:
    path = _folder / "seed.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE goods (id, title, price, category)")
        connection.executemany("INSERT INTO goods VALUES (?, ?, ?, ?)", [tuple(row.values()) for row in _ROWS])
    connection.close()
    return path.read_bytes()
