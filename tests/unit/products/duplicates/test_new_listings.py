"""Is this listing new? Asked of a real small store; the index of known originals against one that compares."""

from __future__ import annotations

import csv
import hashlib
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from eclip.products.duplicates import newlistings
from eclip.products.duplicates.exact import SAME_CONTENT, SAME_TEXT
from eclip.products.duplicates.index import INDEX_VERSION, DuplicateIndex
from eclip.products.duplicates.keys import ListingColumns
from eclip.products.duplicates.near import NEAR_PICTURE, NEAR_WORDS
from eclip.products.duplicates.newlistings import KnownListings, Repeat, find_repeats
from eclip.products.duplicates.pixels import picture_cells
from eclip.products.listings import read_listings
from eclip.products.prepare import prepare_store
from eclip.products.store import Store

COLUMNS = ("id", "title", "seller", "image", "gtin", "brand", "model_id")


def draw(path: Path, seed: int, *, crop: int = 0) -> str:
    """A picture of smooth blots, its own for each seed; cropped by a hair."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    picture = Image.fromarray(small).resize((120, 120), Image.Resampling.BICUBIC)
    picture.crop((crop, crop, 120 - crop, 120 - crop)).save(path, quality=88)
    return path.name


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows([{**dict.fromkeys(COLUMNS, ""), **row} for row in rows])
    return path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A store of a shoe, the same listed again, a hat without picture, and a bag."""
    shoe, bag = draw(tmp_path / "shoe.jpg", 1), draw(tmp_path / "bag.jpg", 2)
    rows = [
        {"id": "shoe", "title": "Noma red leather shoe", "seller": "a", "image": shoe, "brand": "Noma"},
        {"id": "shoe again", "title": "Noma red leather shoe", "seller": "a", "image": shoe, "brand": "Noma"},
        {"id": "hat", "title": "Wool hat of Lumo", "seller": "a"},
        {"id": "bag", "title": "Velmo canvas bag", "seller": "b", "image": bag},
    ]
    prepare_store(write(tmp_path / "feed.csv", rows), tmp_path / "store")
    return tmp_path


def ask(shop: Path, rows: list[dict[str, str]], known: KnownListings | None) -> list[Repeat]:
    table = pa.concat_tables(read_listings(write(shop / "new.csv", rows), batch_size=10))
    cells = [None if picture is None else picture_cells(picture) for picture in table["image"].to_pylist()]
    return find_repeats(table.select(list(newlistings.KEY_COLUMNS)), cells, known)


def test_which_listing_why_and_where(shop: Path) -> None:
    known = KnownListings.of(Store.open(shop / "store"), shop / "store" / "cache")
    near = draw(shop / "near.jpg", 1, crop=1)
    other, more = draw(shop / "other.jpg", 3), draw(shop / "more.jpg", 3, crop=1)
    rows = [
        {"id": "1", "title": "noma red leather SHOE", "seller": "a", "image": "shoe.jpg"},
        {"id": "2", "title": "leather shoe Noma red", "seller": "a", "image": near},
        {"id": "3", "title": "Noma red leather shoe", "seller": "c", "image": near},  # another seller's offer
        {"id": "4", "title": "Lumo hat of wool", "seller": "a"},
        {"id": "5", "title": "Lamp of glass", "seller": "c", "image": other},
        {"id": "6", "title": "glass Lamp", "seller": "c", "image": more},
        {"id": "bag", "title": "Velmo canvas bag", "seller": "b", "image": "bag.jpg"},  # the store's own
    ]
    found = ask(shop, rows, known)
    assert found[0] == Repeat(["shoe", "shoe again", "2"], SAME_CONTENT, "store")
    assert found[1] == Repeat(["shoe", "shoe again", "1"], NEAR_PICTURE, "store")
    assert found[2] == Repeat()
    assert found[3] == Repeat(["hat"], NEAR_WORDS, "store")
    assert found[4] == Repeat(["6"], NEAR_PICTURE, "feed")
    assert found[5] == Repeat(["5"], NEAR_PICTURE, "feed")
    assert found[6] == Repeat()
    alone = ask(shop, rows[:2] + rows[3:4] * 2, None)
    assert [repeat.place for repeat in alone] == ["feed", "feed", None, None]  # one id twice is no other listing
    assert alone[0] == Repeat(["2"], NEAR_PICTURE, "feed")


def test_near_hashes_of_other_pictures_are_no_duplicates(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = KnownListings.of(Store.open(shop / "store"), shop / "store" / "cache")
    rows = [{"id": "1", "title": "leather shoe Noma red", "seller": "a", "image": draw(shop / "n.jpg", 1, crop=1)}]
    assert ask(shop, rows, known)[0].place == "store"
    monkeypatch.setattr(newlistings, "cells_agree", lambda one, two: False)
    assert ask(shop, rows, known) == [Repeat()]


def test_placeholders_are_told_as_preparing_tells_them(shop: Path) -> None:
    """One picture of a size chart's worth of colours is the model's; of as many products it is nobody's."""
    picture, near = draw(shop / "many.jpg", 5), draw(shop / "hair.jpg", 5, crop=1)
    colours = [f"Orlo lamp no{number:02}" for number in range(24)]
    for model, repeats in (("orlo", True), ("", False)):
        rows = [
            {"id": f"{number}", "title": title, "seller": f"s{number}", "image": picture, "model_id": model}
            for number, title in enumerate(colours)
        ]
        rows.append({"id": "new", "title": "no03 lamp Orlo", "seller": "s3", "image": near, "model_id": model})
        prepared = shop / f"all-{repeats}"
        prepare_store(write(shop / "all.csv", rows), prepared)
        told = Store.open(prepared).table(["product_id", "duplicate_of"]).to_pylist()
        assert [row["product_id"] for row in told if row["duplicate_of"]] == (["new"] if repeats else [])
        assert ask(shop, rows, None)[-1].product_ids == (["3"] if repeats else [])


def test_the_index_is_made_once_and_mended(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, cache = Store.open(shop / "store"), shop / "store" / "cache"
    (cache).mkdir()
    (cache / "duplicates-old.index").write_bytes(b"of another version of the store")
    first = KnownListings.of(store, cache)
    (path,) = cache.glob("duplicates-*.index")
    made: list[int] = []
    real = newlistings.store_index
    monkeypatch.setattr(newlistings, "store_index", lambda rows: made.append(1) or real(rows))
    again = KnownListings.of(store, cache)
    assert not made
    assert isinstance(again.index.originals, np.memmap) or again.index.originals.base is not None
    rows = [{"id": "1", "title": "Wool hat of Lumo", "seller": "a"}]
    assert ask(shop, rows, again) == ask(shop, rows, first) == [Repeat(["hat"], SAME_TEXT, "store")]
    path.write_bytes(path.read_bytes()[:100])
    assert ask(shop, rows, KnownListings.of(store, cache))[0].place == "store"
    assert made == [1]


@pytest.mark.parametrize("change", ["listings", "eclip here", "eclip that prepared", "index"])
def test_an_index_of_anything_else_is_not_taken(shop: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    store, cache = Store.open(shop / "store"), shop / "store" / "cache"
    KnownListings.of(store, cache)
    (before,) = cache.glob("duplicates-*.index")
    if change == "eclip here":
        monkeypatch.setattr(newlistings, "__version__", "another")
    elif change == "index":
        monkeypatch.setattr(newlistings, "INDEX_VERSION", 0)
    else:
        name = "digest" if change == "listings" else "eclip"
        store = Store(store.place, {**store.manifest, name: "another"})
    KnownListings.of(store, cache)
    (after,) = cache.glob("duplicates-*.index")
    assert after != before


def test_what_an_index_says_changes_with_its_version_only(tmp_path: Path) -> None:
    """Where this fails, the code says something else of listings: raise INDEX_VERSION, so that no old index is read."""
    titles = ["Noma red shoe 500ml 2-pack", "노마 가죽 신발 블랙 1L", None, "Lumo hat, XL", "Lumo hat, XL"]
    columns = ListingColumns(
        titles=titles,
        sellers=["a", None, "b", "c", "c"],
        image_hashes=["1", None, "2", "3", "4"],
        perceptual_hashes=np.array([1 << 60, 0, 3, 0xFF00FF, 0xFF00FE], dtype=np.uint64),
        telling=np.array([True, False, True, True, True]),
        catalog_ids=[None, "x", None, None, "y"],
        facts={"gtin": [None, None, "1", "2", None]},
    )
    DuplicateIndex.build(columns).save(tmp_path / "one.index")
    digest = hashlib.sha256((tmp_path / "one.index").read_bytes()).hexdigest()[:16]
    assert (INDEX_VERSION, digest) == (1, "c9923a03aacf624b")


def random_columns(dice: random.Random, num: int) -> ListingColumns:
    """Listings of few words, sellers and facts, so that many repeat and some contradict."""
    words = ["red", "blue", "shoe", "hat", "big"]
    pictures = [dice.choice([None, 0, 1, 3, 1 << 20]) for _ in range(num)]
    return ListingColumns(
        titles=[" ".join(dice.choices(words, k=3)) for _ in range(num)],
        sellers=[dice.choice(["a", "b", None]) for _ in range(num)],
        image_hashes=[None if picture is None else str(picture) for picture in pictures],
        perceptual_hashes=np.array([picture or 0 for picture in pictures], dtype=np.uint64),
        telling=np.array([picture is not None for picture in pictures], dtype=bool),
        catalog_ids=[dice.choice([None, None, "k1", "k2"]) for _ in range(num)],
        facts={"gtin": [dice.choice([None, "1", "2"]) for _ in range(num)]},
    )


@pytest.mark.parametrize("seed", range(8))
def test_known_originals_make_the_index_that_comparing_makes(seed: int) -> None:
    dice = random.Random(seed)
    listings = random_columns(dice, 120)
    compared = DuplicateIndex.build(listings)
    linked = DuplicateIndex.linked(listings, np.asarray(compared.originals))
    new = random_columns(dice, 60)
    one, two = compared.find(new), linked.find(new)
    assert one.originals.tolist() == two.originals.tolist()
    assert one.reasons == two.reasons
    roots = compared.originals == np.arange(len(compared))
    assert np.array_equal(compared.claims[:, roots], linked.claims[:, roots])
    assert (one.originals >= 0).sum() > 10
