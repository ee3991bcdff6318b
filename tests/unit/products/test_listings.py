from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from eclip.errors import FeedError
from eclip.products.listings import LISTINGS_SCHEMA, read_listings
from eclip.products.rowpictures import extra_sources


def listings(feed: Path, columns: str = "", **options: object) -> list[dict[str, object]]:
    arguments: dict[str, object] = {
        "images": None,
        "category_separator": None,
        "batch_size": 2,
        "fetch_images": "none",
    } | options
    rows: list[dict[str, object]] = []
    for table in read_listings(feed, columns=columns, **arguments):  # type: ignore[arg-type]
        assert table.schema == LISTINGS_SCHEMA
        rows += table.to_pylist()
    assert [row["row"] for row in rows] == list(range(1, len(rows) + 1))
    return rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for name, size in (("red", (40, 30)), ("blue", (400, 300))):
        picture = Image.new("RGB", size, name)
        picture.paste("white", (0, 0, size[0] // 2, size[1]))
        picture.save(tmp_path / "images" / f"{name}.png")
    (tmp_path / "images" / "bad.jpg").write_bytes(b"\xff\xd8 no more")
    return tmp_path


def test_every_row_of_a_feed_is_there_with_its_fate(folder: Path) -> None:
    lines = [
        "id,title,image,additional_images,category,price,adult,attributes",
        '007,<b>Red</b> 셔츠,images/red.png,images/blue.png,생활/건강 > 셔츠,"₩9,900",19,color=Red',
        "2,Bad picture,images/bad.jpg,,,,,",
        "3,,images/bad.jpg,,,,,",
        "4,,images/red.png,,,free,maybe,",
        "5,Far,https://example.org/a.jpg,,,,,",
        "6,Out,../../etc/passwd,,,,,",
        "7,few",
        "8,&nbsp;,,,,,,",
        ",no id,,,,,,",
        "10,Extra only,,images/red.png,,,,",
    ]
    (folder / "f.csv").write_text("\n".join(lines), encoding="utf-8")
    rows = listings(folder / "f.csv")
    assert [row["reject_reason"] for row in rows] == [
        *[None, None, "no title and no picture", None, None, None],
        *["unreadable row", "no title and no picture", "no product id", None],
    ]
    assert [row["product_id"] for row in rows[:2]] == ["007", "2"]
    assert rows[9]["flags"] == ["extra picture taken as main"]
    assert all((row["reject_raw"] is None) == (row["reject_reason"] is None) for row in rows[:6])


def test_fields_of_a_row(folder: Path) -> None:
    feed = folder / "f.csv"
    header = "id,title,image,additional_images,category,price,adult,attributes,catalog_id\n"
    row = '007,<b>Red</b> 셔츠,images/red.png,images/blue.png|,생활/건강 > 셔츠,"₩9,900",19,color=Red,c\n'
    feed.write_text(header + row, encoding="utf-8")
    (found,) = listings(feed)
    assert found["product_id"] == "007"
    assert (found["title"], found["raw_title"], found["language"]) == ("Red 셔츠", "<b>Red</b> 셔츠", "ko")
    assert found["category"] == ["생활/건강", "셔츠"]
    assert (found["price"], found["policy"]) == (9900.0, "adult")
    assert found["attributes"] == [("color", ["Red"])]
    assert (found["feed_catalog_id"], found["feed_model_id"]) == ("c", None)
    assert found["image"] == (folder / "images" / "red.png").read_bytes()
    assert len(found["extra_images"]) == 1  # type: ignore[arg-type]
    assert found["flags"] == []
    assert found["reject_raw"] is None


def test_pictures_that_fail_are_flagged_and_rejects_keep_their_row(folder: Path) -> None:
    lines = ["title,image", "a,images/bad.jpg", ",images/bad.jpg", ",images/red.png"]
    lines += ["b,https://example.org/a.jpg", "c,../../etc/passwd", "d,gone.jpg"]
    (folder / "f.csv").write_text("\n".join(lines), encoding="utf-8")
    rows = listings(folder / "f.csv")
    assert [row["product_id"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert [row["flags"] for row in rows[3:]] == [
        ["image not fetched"],
        ["unreadable picture: path leads out of the picture folder"],
        ["unreadable picture: no such file"],
    ]
    assert str(rows[0]["flags"]).startswith("['unreadable picture: ")
    assert (rows[1]["reject_reason"], rows[2]["reject_reason"]) == ("no title and no picture", None)
    assert "unreadable picture" in str(rows[1]["reject_detail"])
    assert json.loads(str(rows[1]["reject_raw"])) == {"image": "images/bad.jpg"}


def test_pictures_are_fetched_unless_told_otherwise_and_odd_ones_flagged(folder: Path) -> None:
    Image.new("RGB", (40, 30), "white").save(folder / "white.png")
    (folder / "f.csv").write_text("title,image,additional_images\na,http://127.0.0.1/a.jpg,white.png|white.png\n")
    for options, fault in (({"fetch_images": "public"}, ": 127.0.0.1 is not a public address"), ({}, "")):
        (row,) = listings(folder / "f.csv", **options)
        flags = [f"image not fetched{fault}", *["extra near-blank picture"] * 2, "extra picture taken as main"]
        assert row["flags"] == flags


def test_values_that_are_not_understood_are_flagged(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_text('{"title": "a", "price": "free", "adult": "maybe"}\n')
    (row,) = listings(tmp_path / "f.jsonl")
    assert row["flags"] == ["unknown policy: maybe", "unreadable price: free"]


@pytest.mark.parametrize(
    ("values", "given", "expected"),
    [
        (["A/B", "C/D"], None, [["A", "B"], ["C", "D"]]),
        (["A > B", "C/D"], None, [["A", "B"], ["C/D"]]),
        (["A > B", "C/D"], "/", [["A > B"], ["C", "D"]]),
        (["A:B", "C/D"], ":", [["A", "B"], ["C/D"]]),
    ],
)
def test_the_slash_parts_only_where_no_value_has_an_arrow(
    tmp_path: Path, values: list[str], given: str | None, expected: list[list[str]]
) -> None:
    (tmp_path / "f.tsv").write_text("title\tcategory\n" + "".join(f"t\t{value}\n" for value in values))
    rows = listings(tmp_path / "f.tsv", category_separator=given)
    assert [row["category"] for row in rows] == expected


def test_parquet_with_bytes_lists_and_maps(folder: Path) -> None:
    red = (folder / "images" / "red.png").read_bytes()
    table = pa.table(
        {
            "sku": pa.array([7.0, None]),
            "name": ["NA", "b"],
            "image_bytes": [red, None],
            "image": ["images/blue.png", None],
            "extra_images": pa.array([[red, b"bad"], None], pa.list_(pa.binary())),
            "category": pa.array([["A/B", "C"], None], pa.list_(pa.string())),
            "attributes": pa.array([[("Size", ["S", "M"])], None], pa.map_(pa.string(), pa.list_(pa.string()))),
        }
    )
    pq.write_table(table, folder / "f.parquet")
    first, second = listings(folder / "f.parquet")
    assert (first["product_id"], first["title"]) == ("7", "NA")
    assert first["image"] == red
    assert first["extra_images"] == [red]
    assert first["flags"] == ["unreadable extra picture: not a picture"]
    assert first["category"] == ["A/B", "C"]
    assert first["attributes"] == [("size", ["S", "M"])]
    assert second["reject_reason"] == "no product id"


def test_pictures_come_from_the_folder_that_is_named(folder: Path) -> None:
    (folder / "feeds").mkdir()
    feed = folder / "feeds" / "f.csv"
    feed.write_text("title,image\na,red.png\n")
    assert listings(feed, images=folder / "images")[0]["image"] is not None
    assert listings(feed)[0]["image"] is None
    with pytest.raises(FeedError, match="no such picture folder"):
        listings(feed, images=folder / "gone")


@pytest.mark.parametrize(
    ("cell", "sources"),
    [
        (None, []),
        ("", []),
        ("a.png|b.png", ["a.png", "b.png"]),
        (["a.png", "b.png"], ["a.png", "b.png"]),
        ('["a.png", "b.png"]', ["a.png", "b.png"]),
        (b"bytes", [b"bytes"]),
    ],
)
def test_further_pictures_come_as_lists_or_as_text(cell: object, sources: list[object]) -> None:
    assert [source for source in extra_sources(cell) if source] == sources
