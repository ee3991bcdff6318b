"""The story of the sample shop: products, sellers, offers and defects, then pictures and two tables.

Everything follows from the seed: the same seed gives the same bytes.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

from eclip.errors import ConfigError
from eclip.progress import stage
from eclip.sample.goods import Product, make_products
from eclip.sample.listings import Seller, make_sellers
from eclip.sample.noise import BACKGROUNDS, broken, encode, photograph, placeholder, recode
from eclip.sample.plan import DEFECTS, PLACEHOLDER_FILE, Listing, Shares, plan_listings
from eclip.sample.rings import SAME_SHARE, choose_rings, plant_rings, ring_rows
from eclip.sample.shapes import draw_product
from eclip.sample.truth import FEED_COLUMNS, TRUTH_COLUMNS, feed_row, truth_row

SAMPLE_VERSION = 1
FEED, TRUTH, IMAGES, MANIFEST = "feed.csv", "truth.csv", "images", "sample.json"
RINGS = "rings.csv"  # there where rings were planted
_NAMES = {FEED, TRUTH, IMAGES, MANIFEST, RINGS}


@dataclass(frozen=True, kw_only=True)
class SampleSummary:
    """What was drawn, and where it lies."""

    listings: int
    products: int
    sellers: int
    categories: int
    """Leaf categories that have a product."""
    departments: int
    defects: Mapping[str, int]
    """Listings per planted defect."""
    feed: Path
    truth: Path
    images: Path
    rings: Path | None
    """Which sellers repost each other's pictures and titles; None = none were planted."""


def draw_shop(out: Path, *, num_products: int, num_sellers: int, seed: int, num_rings: int = 0) -> SampleSummary:
    """Draw a shop into `out`: feed.csv, truth.csv, images/ and, as its mark, sample.json; with rings, rings.csv.

    Args:
        out: Folder to make; an earlier sample there is replaced once the new one is whole.
        num_products: True products; listings come out at about 2.7 times as many.
        num_sellers: Sellers; with one, each product is offered once (and by duplicates).
        seed: Same seed, same bytes.
        num_rings: Groups of sellers that repost each other's pictures and titles.

    Raises:
        ConfigError: A number is below one, `out` holds something else, or it can't be written.
    """
    for name, value in (("products", num_products), ("sellers", num_sellers)):
        if value < 1:
            raise ConfigError(f"--{name} is {value}; a sample shop needs at least 1: give a larger number")
    whole = out.resolve()
    partial, old = (whole.with_name(f"{whole.name}.{suffix}") for suffix in ("partial", "old"))
    _refuse_foreign(whole, marked=True)
    for left_over in (partial, old):  # of a run that was killed
        _refuse_foreign(left_over, marked=False)
    products = make_products(num_products, seed=seed)
    sellers = make_sellers(num_sellers, BACKGROUNDS, seed=seed)
    listings = plan_listings(products, sellers, seed=seed, shares=Shares())
    rings = choose_rings(sellers, num_rings, seed=seed)
    listings = plant_rings(listings, rings, seed=seed)
    settings = {"products": num_products, "sellers": num_sellers, "seed": seed}
    try:
        _write_shop(partial, listings, settings | ({"rings": num_rings} if num_rings else {}))
        if num_rings:
            _write_table(partial / RINGS, ("seller", "ring"), ring_rows(rings), dict)
        _replace(whole, partial, old)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or out}: can't write the sample shop ({error.strerror}): "
            "free some space, or name another folder"
        ) from error
    return _summary(out, listings, products, sellers, out / RINGS if num_rings else None)


def draw_pictures(listings: Sequence[Listing], *, seed: int) -> Iterator[tuple[Listing, bytes]]:
    """Encoded pictures of the listings, product by product, so that each product is drawn once.

    Listings with the placeholder have no picture of their own and are left out.
    """
    repeats = {listing.original.product_id: listing for listing in listings if listing.original}
    taken: dict[str, list[Listing]] = {}
    for listing in listings:
        if listing.reposts:
            taken.setdefault(listing.reposts.product_id, []).append(listing)
    own = [x for x in listings if x.original is None and x.reposts is None and "no_image" not in x.defects]
    shown = sorted(own, key=lambda x: ((x.picture_of or x.product).key, x.product_id))
    for _, group in groupby(shown, key=lambda x: (x.picture_of or x.product).key):
        drawing = None
        for listing in group:
            product = listing.picture_of or listing.product
            drawing = drawing or draw_product(product, seed=seed)
            rng = Random(f"{listing.dice}:picture")
            picture = photograph(drawing, listing.seller, rng, sided=product.leaf.sided)
            encoded = encode(picture, listing.seller, rng)
            yield listing, broken(encoded, rng) if "broken_image" in listing.defects else encoded
            repeat = repeats.get(listing.product_id)
            if repeat is not None:
                exact = "exact_duplicate" in repeat.defects
                yield repeat, encoded if exact else recode(encoded, Random(repeat.dice))
            for copy in taken.get(listing.product_id, ()):
                dice = Random(copy.dice)
                yield copy, encoded if dice.random() < SAME_SHARE else recode(encoded, dice)


def drawn_with(shop: Path) -> dict[str, int]:
    """Products, sellers and seed that a sample shop was drawn with; empty where there is no whole one."""
    try:
        return dict(json.loads((shop / MANIFEST).read_text(encoding="utf-8"))["settings"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write_shop(folder: Path, listings: Sequence[Listing], settings: dict[str, int]) -> None:
    """Write all of it into a fresh folder."""
    if folder.exists():
        shutil.rmtree(folder)
    (folder / IMAGES).mkdir(parents=True)
    manifest = {"kind": "eclip sample", "version": SAMPLE_VERSION, "settings": settings, "listings": len(listings)}
    seed = settings["seed"]
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    (folder / IMAGES / PLACEHOLDER_FILE).write_bytes(placeholder())
    with stage("Drawing the sample shop", len(listings), unit="listings") as advance:
        advance(sum("no_image" in listing.defects for listing in listings))
        for listing, encoded in draw_pictures(listings, seed=seed):
            (folder / IMAGES / listing.image).write_bytes(encoded)
            advance(1)
    _write_table(folder / FEED, FEED_COLUMNS, listings, feed_row)
    _write_table(folder / TRUTH, TRUTH_COLUMNS, listings, truth_row)


def _write_table(
    path: Path,
    columns: Sequence[str],
    listings: Sequence[Any],
    row_of: Callable[[Any], dict[str, str]],
) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row_of(listing) for listing in listings)


def _refuse_foreign(folder: Path, *, marked: bool) -> None:
    """Let pass what is absent, empty or ours; refuse all else, since it would be deleted.

    A user's own feed may well consist of feed.csv and images/, so `marked` asks for the manifest too.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ConfigError(f"{folder}: is a file, expected a folder: name another one for the sample shop")
    names = {entry.name for entry in folder.iterdir()}
    if not names <= _NAMES or (names and marked and MANIFEST not in names):
        raise ConfigError(
            f"{folder}: is no eclip sample and not empty (it has {min(names - _NAMES, default=min(names))}): "
            "name an empty or new folder"
        )


def _replace(out: Path, partial: Path, old: Path) -> None:
    """Put the finished folder in the place of an earlier one, which goes only after that."""
    if old.exists():
        shutil.rmtree(old)
    if out.exists():
        out.rename(old)
    partial.rename(out)
    if old.exists():
        shutil.rmtree(old)


def _summary(
    out: Path, listings: Sequence[Listing], products: Sequence[Product], sellers: Sequence[Seller], rings: Path | None
) -> SampleSummary:
    counts = Counter(kind for listing in listings for kind in listing.defects)
    return SampleSummary(
        listings=len(listings),
        products=len(products),
        sellers=len(sellers),
        categories=len({product.leaf.path for product in products}),
        departments=len({product.leaf.path[0] for product in products}),
        defects={kind: counts[kind] for kind in DEFECTS},
        feed=out / FEED,
        truth=out / TRUTH,
        images=out / IMAGES,
        rings=rings,
    )
