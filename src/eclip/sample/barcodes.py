"""The barcodes that sellers give: most of them right, some of another product, some of none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple, Protocol

from eclip.sample.goods import Product, gtin13

# What people type to get past a form.
STAND_INS = ("0000000000000", "1234567890128", "9999999999994")


class Offered(Protocol):
    """What barcodes need to know of a listing."""

    @property
    def product(self) -> Product:
        """The true product."""


class GivenGtin(NamedTuple):
    """A barcode as a feed row has it, and the defect that it is, empty for none."""

    written: str
    defect: str


def give_gtins(
    listings: Sequence[Offered], given: Iterable[int], seed: int, *, wrong: float, useless: float
) -> dict[int, GivenGtin]:
    """Barcodes of the listings that give one, by position.

    Args:
        listings: All listings.
        given: Positions of those that give a barcode.
        seed: Same seed, same barcodes.
        wrong: Share of all listings that give another product's.
        useless: Share of all listings that give a number of no product.
    """
    rng = Random(f"{seed}:gtins")
    order = sorted(given)
    rng.shuffle(order)
    num_wrong, num_useless = (round(share * len(listings)) for share in (wrong, useless))
    siblings: dict[str, dict[str, Product]] = defaultdict(dict)
    for listing in listings:
        siblings[listing.product.model_id][listing.product.key] = listing.product
    out = {}
    for place, i in enumerate(order):
        product = listings[i].product
        out[i] = GivenGtin(product.gtin, "")
        if place < num_wrong:
            kin = [p for key, p in sorted(siblings[product.model_id].items()) if key != product.key]
            other = rng.choice(kin) if kin and rng.random() < 0.5 else rng.choice(listings).product
            if other.key != product.key:
                out[i] = GivenGtin(other.gtin, "wrong_gtin")
        elif place < num_wrong + num_useless:
            out[i] = GivenGtin(_useless(product.gtin, rng), "useless_gtin")
    return out


def _useless(gtin: str, rng: Random) -> str:
    """An in-store code (GS1 prefixes 20 to 29), a stand-in, or the right number with one digit off."""
    kind = rng.choice(("in-store", "stand-in", "mistyped"))
    if kind == "in-store":
        return gtin13(f"2{rng.randrange(10**11):011d}")
    if kind == "stand-in":
        return rng.choice(STAND_INS)
    at = rng.randrange(len(gtin))
    return gtin[:at] + str((int(gtin[at]) + rng.randrange(1, 10)) % 10) + gtin[at + 1 :]
