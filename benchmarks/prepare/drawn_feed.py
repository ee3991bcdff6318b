"""A drawn feed of any size, quickly: the sample shop's own plan of listings, with pictures of a few hundred bytes.

The sample draws some hundred pictures a second, which is hours for a million. Here pictures are coloured
clouds of 64 pixels: as far apart for different products as real ones, near for offers with the maker's picture, equal
for exact repeats. Listings are planned shop by shop (`ROWS_OF_SHOP` rows each): titles, barcodes, models, gaps and
defects are the sample's. The first sellers are the same in all shops, so their offers grow with the feed, and so do the
titles that name no product ("Cotton T-Shirt, Free Size"); ids, barcodes and model numbers never collide over shops.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from eclip.sample.goods import Product, gtin13, make_products
from eclip.sample.listings import Seller, make_sellers
from eclip.sample.noise import BACKGROUNDS, broken, placeholder
from eclip.sample.plan import Listing, Shares, plan_listings
from eclip.sample.truth import FEED_COLUMNS, feed_row

PRODUCTS_OF_SHOP = 3_700
ROWS_OF_SHOP = 10_000  # about; the last shop is cut
_SHARED_SELLERS, _OWN_SELLERS = 4, 8
_MAKERS_PICTURE = 0.4  # of offers; the others have a picture of their own
_PIXELS = 64
_CLOUDS = 6  # cells a side
SCHEMA = pa.schema([(name, pa.binary() if name == "image" else pa.string()) for name in FEED_COLUMNS])


def draw_feed(path: Path, num_rows: int, *, first_shop: int = 0) -> None:
    """Write a Parquet feed of so many rows, pictures as bytes; the same bytes each time.

    Args:
        path: File to write.
        num_rows: Rows.
        first_shop: Feeds of other shops share no product with this one.
    """
    left, shop = num_rows, first_shop
    with pq.ParquetWriter(path, SCHEMA) as file:
        while left:
            rows = list(_rows_of_shop(shop))[:left]
            file.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
            left, shop = left - len(rows), shop + 1


def _rows_of_shop(shop: int) -> Iterator[dict[str, str | bytes | None]]:
    products = [_own_codes(p, shop) for p in make_products(PRODUCTS_OF_SHOP, seed=shop)]
    nobody = placeholder()
    pictures: dict[str, bytes] = {}
    for listing in plan_listings(products, _sellers(shop), seed=shop, shares=Shares()):
        row: dict[str, str | bytes | None] = {name: text or None for name, text in feed_row(listing).items()}
        row["product_id"] = f"S{shop}-{listing.product_id}"
        picture = nobody if "no_image" in listing.defects else _picture(listing, pictures)
        pictures[listing.product_id] = picture
        row["image"] = broken(picture, Random(listing.dice)) if "broken_image" in listing.defects else picture
        yield row


def _sellers(shop: int) -> Sequence[Seller]:
    """Large sellers that every shop has, then its own."""
    shared = make_sellers(_SHARED_SELLERS, BACKGROUNDS, seed=-1)
    own = make_sellers(_OWN_SELLERS + _SHARED_SELLERS, BACKGROUNDS, seed=shop)[_SHARED_SELLERS:]
    return [*shared, *own]


def _own_codes(product: Product, shop: int) -> Product:
    """The product under codes that no other shop has."""
    number = shop * PRODUCTS_OF_SHOP + int(product.key[1:])
    name, _, colour = product.model_number.partition("-")[2].partition("-")
    return replace(
        product,
        key=f"{product.key}-{shop}",
        model_id=f"{product.model_id}-{shop}",
        catalog_id=f"c{number * 7919 % 10**8:08d}",
        model_number=f"{product.model_number[:2]}{shop}-{name}" + (f"-{colour}" if colour else ""),
        gtin=gtin13(f"880{number * 10007 % 10**9:09d}"),
    )


def _picture(listing: Listing, before: dict[str, bytes]) -> bytes:
    """JPEG: the maker's picture in this seller's size and light, or the seller's own; a repeat has its original's."""
    if listing.original is not None:
        original = before[listing.original.product_id]
        return original if "exact_duplicate" in listing.defects else _recoded(original, Random(listing.dice))
    rng = Random(listing.dice)
    key = (listing.picture_of or listing.product).key
    clouds = _clouds(key)
    if rng.random() >= _MAKERS_PICTURE:
        clouds = 0.4 * clouds + 0.6 * _clouds(listing.dice)
    light = np.clip(clouds * rng.uniform(0.85, 1.1), 0, 255).astype(np.uint8)
    side = rng.choice((_PIXELS, _PIXELS, _PIXELS - 8))
    return _jpeg(Image.fromarray(light).resize((side, _PIXELS), Image.Resampling.BICUBIC), rng.randint(60, 85))


def _clouds(key: str) -> np.ndarray:
    """[_CLOUDS, _CLOUDS, 3] float colours of a key."""
    return np.frombuffer(Random(key).randbytes(3 * _CLOUDS**2), np.uint8).reshape(_CLOUDS, _CLOUDS, 3).astype(float)


def _recoded(picture: bytes, rng: Random) -> bytes:
    with Image.open(io.BytesIO(picture)) as opened:
        wide, tall = opened.size
        cut = rng.randint(0, 1)
        return _jpeg(opened.crop((cut, 0, wide, tall - cut)).resize((wide, tall)), rng.randint(50, 75))


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()
