"""Google Merchant, Shopify and Magento feeds: from the file to the products, with invented goods."""

from __future__ import annotations

import csv
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from eclip.errors import FeedError
from eclip.products.columns import resolve_columns
from eclip.products.feeds import open_feed
from eclip.products.feeds.platforms.magento import deepest_category, packed_attributes
from eclip.products.listings import read_listings

RSS = """<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>A shop</title>
<item>
  <g:id>007</g:id><title>Plain</title><g:title>NA</g:title><link>https://shop.example/7</link>
  <description><![CDATA[<b>Soft</b> & warm]]></description>
  <g:image_link>a.jpg</g:image_link>
  <g:additional_image_link>b.jpg</g:additional_image_link><g:additional_image_link>c.jpg</g:additional_image_link>
  <g:google_product_category>Apparel &amp; Accessories &gt; Clothing</g:google_product_category>
  <g:product_type>Men &gt; Tops</g:product_type><g:item_group_id>G1</g:item_group_id>
  <g:price>25.50 EUR</g:price><g:color>Black</g:color><g:size>M</g:size><g:adult>yes</g:adult>
  <g:gtin>4006381333931</g:gtin><g:mpn>WH-1</g:mpn><g:brand>Lume</g:brand>
  <g:shipping><g:country>DE</g:country><g:price>4.90 EUR</g:price></g:shipping>
</item>
<item><g:id>8</g:id><g:title>방충망 롤</g:title><g:google_product_category>Home</g:google_product_category></item>
<item><g:id>9</g:id><g:title>By number</g:title><g:google_product_category>1604</g:google_product_category></item>
</channel></rss>"""

ATOM = """<?xml version="1.0" encoding="{encoding}"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">
<title>A shop</title><link href="https://shop.example"/>
<entry><g:id>1</g:id><title>방충망 롤</title><link href="https://shop.example/1"/>
<g:image_link>a.jpg</g:image_link><g:availability>in_stock</g:availability></entry></feed>"""


def listings(path: Path, columns: str = "", **settings: Any) -> list[dict[str, Any]]:
    feed = open_feed(path, **settings)
    tables = read_listings(feed, images=None, columns=columns, category_separator=None, batch_size=3)
    return [row for table in tables for row in table.to_pylist()]


def write_csv(path: Path, header: list[str], *records: dict[str, str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, restval="")
        writer.writeheader()
        writer.writerows(records)
    return path


class TestGoogle:
    def test_rss(self, tmp_path: Path) -> None:
        (tmp_path / "f.xml").write_text(RSS)
        feed = open_feed(tmp_path / "f.xml")
        assert (feed.platform, feed.num_rows) == ("google", 3)
        first, second, third = listings(tmp_path / "f.xml")
        expected = {
            "product_id": "007",
            "title": "NA",
            "description": "Soft & warm",
            "url": "https://shop.example/7",
            "category": ["Men", "Tops"],
            "feed_model_id": "G1",
            "price": 25.5,
            "policy": "adult",
            "gtin": "4006381333931",
            "model_number": "WH-1",
            "brand": "Lume",
            "attributes": [("color", ["Black"]), ("size", ["M"])],
        }
        assert {name: first[name] for name in expected} == expected
        assert feed.column_map.fields["extra_images"] == "additional_image_link"
        raw = next(feed.batches(1)).table.to_pylist()[0]
        assert (raw["additional_image_link"], raw["shipping"]) == ("b.jpg|c.jpg", "DE 4.90 EUR")
        assert (second["title"], second["category"], second["price"]) == ("방충망 롤", ["Home"], None)
        assert third["category"] is None

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "euc-kr"])
    def test_atom(self, tmp_path: Path, encoding: str) -> None:
        (tmp_path / "f.xml").write_bytes(ATOM.format(encoding=encoding).encode(encoding))
        (row,) = listings(tmp_path / "f.xml")
        assert (row["title"], row["url"]) == ("방충망 롤", "https://shop.example/1")

    def test_items_are_let_go_as_they_are_read(self, tmp_path: Path) -> None:
        from eclip.products.feeds.merchant_xml import xml_rows

        head, tail = RSS.split("<item>", 1)[0], "</channel></rss>"
        peaks = []
        for items in (500, 5000):
            (tmp_path / "f.xml").write_text(head + "<item><g:id>1</g:id><title>x</title></item>" * items + tail)
            tracemalloc.start()
            assert sum(1 for _ in xml_rows(tmp_path / "f.xml")) == items
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < 1.5 * peaks[0]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (
                '<!DOCTYPE r [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><rss><item><title>&b;</title></item></rss>',
                "entities",
            ),
            (
                '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item><title>&x;</title></item></rss>',
                "entit",
            ),
            (RSS[:900], r"not well-formed XML: .*line 1\d"),
            (RSS.replace("&amp;", "&"), "not well-formed XML: .*line"),
        ],
    )
    def test_xml_that_is_not_read(self, tmp_path: Path, text: str, expected: str) -> None:
        (tmp_path / "f.xml").write_text(text)
        with pytest.raises(FeedError, match=expected):
            open_feed(tmp_path / "f.xml")

    def test_a_tsv(self, tmp_path: Path) -> None:
        (tmp_path / "f.txt").write_text(
            "id\ttitle\timage link\tadditional image link\tproduct type\tavailability\titem group id\n"
            "1\tShoe\ta.jpg\thttps://x.example/a,1.jpg,https://x.example/2.jpg\tShoes > Red\tin stock\tG\n"
        )
        feed = open_feed(tmp_path / "f.txt")
        assert feed.platform == "google"
        raw = next(feed.batches(1)).table.to_pylist()[0]
        assert raw["additional image link"] == "https://x.example/a,1.jpg|https://x.example/2.jpg"
        (row,) = listings(tmp_path / "f.txt")
        assert (row["category"], row["feed_model_id"]) == (["Shoes", "Red"], "G")


SHOPIFY = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Product Category",
    "Type",
    "Tags",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Variant SKU",
    "Variant Price",
    "Variant Barcode",
    "Image Src",
    "Image Position",
    "Variant Image",
]


class TestShopify:
    def feed(self, folder: Path) -> Path:
        return write_csv(
            folder / "products_export.csv",
            SHOPIFY,
            {
                "Handle": "shirt",
                "Title": "Linen Shirt",
                "Body (HTML)": "<p>Soft</p>",
                "Vendor": "Lume",
                "Product Category": "Apparel > Shirts",
                "Type": "Shirt",
                "Tags": "summer, linen",
                "Option1 Name": "Color",
                "Option1 Value": "Red",
                "Option2 Name": "Size",
                "Option2 Value": "M",
                "Variant SKU": "S-1",
                "Variant Price": "9.90",
                "Variant Barcode": "4006381333931",
                "Image Src": "https://x.example/2.jpg",
                "Image Position": "2",
                "Variant Image": "https://x.example/red.jpg",
            },
            {
                "Handle": "shirt",
                "Option1 Value": "Blue",
                "Option2 Value": "M",
                "Variant Price": "8",
                "Image Src": "https://x.example/red.jpg",
                "Image Position": "1",
            },
            {"Handle": "shirt", "Image Src": "https://x.example/3.jpg", "Image Position": "3"},
            {
                "Handle": "mug",
                "Title": "Mug",
                "Type": "Kitchen",
                "Option1 Name": "Title",
                "Option1 Value": "Default Title",
                "Variant Price": "5",
            },
            {"Title": "No handle", "Variant SKU": "N"},
        )

    def test_variants_inherit_and_pictures_gather(self, tmp_path: Path) -> None:
        feed = open_feed(self.feed(tmp_path))
        assert (feed.platform, feed.num_rows) == ("shopify", 4)
        assert [row for batch in feed.batches(2) for row in batch.rows] == [1, 2, 4, 5]
        raw = [row for batch in feed.batches(2) for row in batch.table.to_pylist()]
        assert [row["(image)"] for row in raw[:2]] == ["https://x.example/red.jpg"] * 2
        assert [row["(extra images)"] for row in raw[:2]] == ["https://x.example/2.jpg|https://x.example/3.jpg"] * 2
        red, blue, mug, other = listings(self.feed(tmp_path))
        assert (red["product_id"], blue["product_id"], mug["product_id"]) == ("S-1", "shirt-Blue-M", "mug")
        assert [row["feed_model_id"] for row in (red, blue, mug)] == ["shirt", "shirt", "mug"]
        for row in (red, blue):
            assert (row["title"], row["description"], row["brand"]) == ("Linen Shirt", "Soft", "Lume")
            assert (row["category"], row["seller"]) == (["Apparel", "Shirts"], None)
        assert (red["price"], blue["price"]) == (9.9, 8.0)
        assert (red["gtin"], blue["gtin"]) == ("4006381333931", None)
        assert dict(blue["attributes"]) == {
            "product type": ["Shirt"],
            "tags": ["summer", "linen"],
            "color": ["Blue"],
            "size": ["M"],
        }
        assert (mug["category"], dict(mug["attributes"])) == (["Kitchen"], {"product type": ["Kitchen"]})
        assert other["reject_reason"] == "no product id"

    def test_the_user_has_the_last_word(self, tmp_path: Path) -> None:
        path = self.feed(tmp_path)
        rows = listings(path, "category=Type,attributes.tags=,brand=")
        assert (rows[1]["category"], rows[1]["brand"]) == (["Shirt"], None)
        assert "tags" not in dict(rows[1]["attributes"])
        plain = listings(path, platform="none")
        assert (len(plain), plain[1]["title"]) == (5, None)

    def test_the_newer_header(self, tmp_path: Path) -> None:
        header = ["Title", "URL handle", "Description", "SKU", "Price", "Option1 name", "Option1 value"]
        header += ["Product image URL", "Image position", "Product category"]
        first = dict(
            zip(header, ["Cup", "cup", "<p>Tea</p>", "C-1", "3", "Size", "S", "a.jpg", "1", "Home"], strict=True)
        )
        path = write_csv(tmp_path / "f.csv", header, first, {"URL handle": "cup", "SKU": "C-2", "Option1 value": "L"})
        rows = listings(path)
        assert [(r["product_id"], r["title"], r["category"]) for r in rows] == [
            ("C-1", "Cup", ["Home"]),
            ("C-2", "Cup", ["Home"]),
        ]
        assert [dict(r["attributes"]) for r in rows] == [{"size": ["S"]}, {"size": ["L"]}]
        assert (rows[1]["description"], rows[1]["price"]) == ("Tea", None)


class TestMagento:
    def test_children_categories_attributes_and_pictures(self, tmp_path: Path) -> None:
        header = ["sku", "product_type", "name", "categories", "price", "base_image", "additional_images"]
        header += ["additional_attributes", "configurable_variations"]
        category = "Default Category/Men/Tops,Default Category/Sale,Default Category"
        path = write_csv(
            tmp_path / "export.csv",
            header,
            {
                "sku": "H1-Red",
                "product_type": "simple",
                "name": "Hoodie-Red",
                "price": "52",
                "additional_attributes": 'color=Red,material=Cotton|Wool,"features=Pocket, 15 inches"',
                "base_image": "/h/1/red.jpg",
                "additional_images": "/h/1/red.jpg,/h/1/back.jpg",
            },
            {"sku": "H1-Blue", "product_type": "simple", "name": "Hoodie-Blue", "base_image": "no_selection"},
            {
                "sku": "H1",
                "product_type": "configurable",
                "name": "Hoodie",
                "categories": category,
                "base_image": "/h/1/main.jpg",
                "configurable_variations": "sku=H1-Red,color=Red|sku=H1-Blue,color=Blue",
            },
            {"sku": "M", "product_type": "simple", "name": "Mug"},
        )
        feed = open_feed(path)
        assert (feed.platform, feed.num_rows) == ("magento", 4)
        raw = [row for batch in feed.batches(9) for row in batch.table.to_pylist()]
        assert [row["base_image"] for row in raw] == ["h/1/red.jpg", "h/1/main.jpg", "h/1/main.jpg", None]
        assert raw[0]["additional_images"] == "h/1/back.jpg"
        rows = listings(path)
        assert [row["feed_model_id"] for row in rows] == ["H1", "H1", "H1", None]
        assert [row["category"] for row in rows] == [["Men", "Tops"]] * 3 + [None]
        assert dict(rows[0]["attributes"]) == {
            "color": ["Red"],
            "material": ["Cotton", "Wool"],
            "features": ["Pocket, 15 inches"],
        }

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", []),
            ("Default Category", []),
            ("Default Category/Men", ["Men"]),
            ("Default Category/Bags, Cases/Big,Default Category/New", ["Bags, Cases", "Big"]),
            ("Root/A,Other Root/B/C", ["B", "C"]),
        ],
    )
    def test_categories(self, text: str, expected: list[str]) -> None:
        assert deepest_category(text) == expected

    def test_attributes(self) -> None:
        assert packed_attributes("a=1,b=2, with comma,c=") == {"a": ["1"], "b": ["2, with comma"]}
        assert packed_attributes("") == {}


def test_plain_feeds_are_nobodys(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("id,title,image_link\n1,a,b.jpg\n")
    assert open_feed(tmp_path / "f.csv").platform is None
    assert open_feed(tmp_path / "f.csv", platform="google").platform == "google"


def test_feeds_of_different_platforms_are_not_mixed(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", SHOPIFY, {"Handle": "x", "Title": "X", "Variant SKU": "1"})
    (tmp_path / "b.csv").write_text("id,title\n1,a\n")
    with pytest.raises(FeedError, match=r"a\.csv is a feed for shopify, b\.csv is a plain feed.*--platform none"):
        open_feed(tmp_path)


def test_the_platform_stands_between_the_user_and_the_usual_names() -> None:
    from eclip.products.feeds.platforms import PLATFORMS

    columns = ["Handle", "Title", "Vendor", "name", "Variant Price"]
    mapped = resolve_columns("price=", columns, platform=PLATFORMS["shopify"].column_map(columns))
    assert mapped.fields == {"title": "Title", "brand": "Vendor", "model_id": "Handle"}
