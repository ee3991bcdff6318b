"""A small drawn shop, read back from disk: feed, truth, pictures and defects must tell one story."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections import Counter
from pathlib import Path
from statistics import median

import pytest
from PIL import Image

from eclip.errors import ConfigError
from eclip.sample.departments import ADULT_DEPARTMENT, DEPARTMENTS, LEAVES
from eclip.sample.plan import Shares
from eclip.sample.shop import SampleSummary, draw_shop

NUM_PRODUCTS = 90
PICTURE_DEFECTS = {"mismatched", "no_image", "broken_image"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(f"{path.relative_to(folder)}:".encode() + path.read_bytes())
    return total.hexdigest()


def decodes(encoded: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(encoded)) as picture:
            picture.load()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    out = tmp_path_factory.mktemp("sample") / "shop"
    return draw_shop(out, num_products=NUM_PRODUCTS, num_sellers=12, seed=5)


@pytest.fixture(scope="module")
def feed(shop: SampleSummary) -> list[dict[str, str]]:
    return rows(shop.feed)


@pytest.fixture(scope="module")
def truth(shop: SampleSummary) -> dict[str, dict[str, str]]:
    return {row["product_id"]: row for row in rows(shop.truth)}


def test_same_seed_same_bytes_and_another_seed_differs(tmp_path: Path) -> None:
    digests = []
    for name, seed in (("first", 1), ("second", 1), ("third", 2)):
        draw_shop(tmp_path / name, num_products=12, num_sellers=4, seed=seed)
        (tmp_path / name / "sample.json").unlink()  # names the seed, so it always differs
        digests.append(digest(tmp_path / name))
    assert digests[0] == digests[1] != digests[2]


def test_counts(shop: SampleSummary, feed: list[dict[str, str]], truth: dict[str, dict[str, str]]) -> None:
    assert len(LEAVES) >= 24
    assert len(DEPARTMENTS) >= 6
    assert shop.categories == len(LEAVES)
    assert shop.departments == len(DEPARTMENTS)
    assert shop.listings == len(feed) == len(truth)
    assert 2.3 < shop.listings / shop.products < 3.2
    assert len({row["product_key"] for row in truth.values()}) == NUM_PRODUCTS


def test_feed_and_truth_agree(feed: list[dict[str, str]], truth: dict[str, dict[str, str]]) -> None:
    assert len({row["product_id"] for row in feed}) == len(feed)
    for row in feed:
        true = truth[row["product_id"]]
        assert row["category"] in ("", true["category"])
        assert (row["category"] == "") == ("missing_category" in true["defects"])
        assert row["catalog_id"] in ("", true["catalog_id"])
        given, known = json.loads(row["attributes"] or "{}"), json.loads(true["attributes"])
        assert given.items() <= known.items()
        assert (true["adult"] == "1") == true["category"].startswith(ADULT_DEPARTMENT)
        hidden = "missing_policy" in true["defects"]
        assert row["policy"] == ("adult" if true["adult"] == "1" and not hidden else "")


def test_variants_share_a_model_and_offers_a_catalog(truth: dict[str, dict[str, str]]) -> None:
    catalogs = {(row["product_key"], row["catalog_id"], row["model_id"]) for row in truth.values()}
    assert len({c for _, c, _ in catalogs}) == len({k for k, _, _ in catalogs}) == len(catalogs)
    assert 1 < max(Counter(model for _, _, model in catalogs).values()) <= 4


def test_defects_have_their_shares(shop: SampleSummary, feed: list[dict[str, str]]) -> None:
    shares = Shares()
    for kind, count in shop.defects.items():
        if kind == "missing_policy":
            continue
        assert count / shop.listings == pytest.approx(getattr(shares, kind), abs=0.005), kind
    for column in ("catalog_id", "gtin"):
        share = sum(row[column] != "" for row in feed) / len(feed)
        assert share == pytest.approx(getattr(shares, column), abs=0.005)
    adult = sum(row["policy"] == "adult" for row in feed)
    assert shop.defects["missing_policy"] == round(shares.missing_policy * (adult + shop.defects["missing_policy"]))


def test_pictures_decode_unless_broken(
    shop: SampleSummary, feed: list[dict[str, str]], truth: dict[str, dict[str, str]]
) -> None:
    for row in feed:
        encoded = (shop.feed.parent / row["image"]).read_bytes()
        defects = truth[row["product_id"]]["defects"].split(";")
        assert decodes(encoded) == ("broken_image" not in defects)
        assert (row["image"] == "images/no-image.jpg") == ("no_image" in defects)
    assert {row["image"] for row in feed} == {f"images/{p.name}" for p in shop.images.iterdir()}


def test_picture_of_names_what_is_seen(truth: dict[str, dict[str, str]]) -> None:
    category = {row["product_key"]: (row["category"], row["adult"]) for row in truth.values()}
    for row in truth.values():
        defects = set(row["defects"].split(";"))
        if "mismatched" in defects:
            assert category[row["picture_of"]][0] != row["category"]
            assert category[row["picture_of"]][1] == row["adult"]
        else:
            assert row["picture_of"] == ("" if defects & PICTURE_DEFECTS else row["product_key"])


def test_duplicates_repeat_an_earlier_listing(
    shop: SampleSummary, feed: list[dict[str, str]], truth: dict[str, dict[str, str]]
) -> None:
    by_id = {row["product_id"]: row for row in feed}
    for row in truth.values():
        if not row["duplicate_of"]:
            assert "duplicate" not in row["defects"]
            continue
        copy, original = by_id[row["product_id"]], by_id[row["duplicate_of"]]
        assert original["product_id"] < copy["product_id"]
        assert original["seller"] == copy["seller"]
        assert truth[row["duplicate_of"]]["product_key"] == row["product_key"]
        same_picture = (shop.feed.parent / copy["image"]).read_bytes() == (
            shop.feed.parent / original["image"]
        ).read_bytes()
        exact = "exact_duplicate" in row["defects"].split(";")
        assert (copy["title"] == original["title"]) == same_picture == exact


def test_titles_are_short_and_in_two_languages(feed: list[dict[str, str]]) -> None:
    lengths = [len(row["title"].split()) for row in feed]
    assert min(lengths) >= 1
    assert max(lengths) <= 14
    assert median(lengths) < 11
    korean = sum(bool(re.search("[가-힣]", row["title"])) for row in feed) / len(feed)
    assert 0.15 < korean < 0.85


def checks(gtin: str) -> bool:
    return sum(int(d) * (1, 3)[i % 2] for i, d in enumerate(gtin)) % 10 == 0


def test_gtins_are_right_unless_the_truth_says_otherwise(
    feed: list[dict[str, str]], truth: dict[str, dict[str, str]]
) -> None:
    product_of = {}
    for row in feed:
        true = truth[row["product_id"]]
        if row["gtin"] and not {"wrong_gtin", "useless_gtin"} & set(true["defects"].split(";")):
            assert re.fullmatch(r"880\d{10}", row["gtin"])
            assert checks(row["gtin"])
            assert product_of.setdefault(row["gtin"], true["product_key"]) == true["product_key"]
    assert product_of
    for row in feed:
        true = truth[row["product_id"]]
        if "wrong_gtin" in true["defects"]:
            assert checks(row["gtin"])
            assert product_of.get(row["gtin"]) != true["product_key"]
        elif "useless_gtin" in true["defects"]:
            assert not row["gtin"].startswith("880") or not checks(row["gtin"])


def test_a_sample_is_replaced_and_nothing_else_is(tmp_path: Path) -> None:
    out = tmp_path / "shop"
    for seed in (1, 2):
        draw_shop(out, num_products=3, num_sellers=2, seed=seed)
    assert json.loads((out / "sample.json").read_text(encoding="utf-8"))["settings"]["seed"] == 2
    assert [p.name for p in tmp_path.iterdir()] == ["shop"]
    (out / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"shop: is no eclip sample and not empty \(it has letter\.txt\)"):
        draw_shop(out, num_products=3, num_sellers=2, seed=3)
    assert (out / "letter.txt").read_text(encoding="utf-8") == "mine"


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / "shop.partial" / "images").mkdir(parents=True)
    (tmp_path / "shop.partial" / "images" / "L0000001.jpg").write_bytes(b"half")
    draw_shop(tmp_path / "shop", num_products=2, num_sellers=2, seed=1)
    assert [p.name for p in tmp_path.iterdir()] == ["shop"]


def test_a_feed_of_ones_own_is_never_taken_for_a_sample(tmp_path: Path) -> None:
    out = tmp_path / "shop"
    out.mkdir()
    (out / "feed.csv").write_text("product_id,title\n1,mine\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"it has feed\.csv"):
        draw_shop(out, num_products=2, num_sellers=2, seed=1)
    assert [p.name for p in tmp_path.iterdir()] == ["shop"]


def test_a_disk_that_refuses_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigError, match=r"can't write the sample shop \(No space left on device\)"):
        draw_shop(tmp_path / "shop", num_products=2, num_sellers=2, seed=1)
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(("num_products", "num_sellers"), [(0, 3), (3, 0)])
def test_numbers_below_one_are_refused(tmp_path: Path, num_products: int, num_sellers: int) -> None:
    with pytest.raises(ConfigError, match="needs at least 1"):
        draw_shop(tmp_path / "shop", num_products=num_products, num_sellers=num_sellers, seed=0)


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="is a file, expected a folder"):
        draw_shop(tmp_path / "shop", num_products=1, num_sellers=1, seed=0)


def test_smallest_shop(tmp_path: Path) -> None:
    summary = draw_shop(tmp_path / "shop", num_products=1, num_sellers=1, seed=0)
    assert summary.listings == 1
