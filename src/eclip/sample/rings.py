"""Rings: few sellers that repost each other's pictures and titles, planted into a planned shop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from eclip.sample.listings import Seller, edit_title
from eclip.sample.plan import Listing

RING_SIZES = (3, 4, 5)
REPOSTED_SHARE = 0.3  # of a member's sound listings, by each other member
SAME_SHARE = 0.5  # of reposted titles that stay as they are; likewise of pictures, to the byte
_SPOILT = {"no_image", "broken_image", "exact_duplicate", "near_duplicate"}


@dataclass(frozen=True)
class Ring:
    """Sellers that repost each other."""

    members: tuple[Seller, ...]


def choose_rings(sellers: Sequence[Seller], num_rings: int, *, seed: int) -> list[Ring]:
    """Rings of `RING_SIZES` sellers each, nobody in two of them; fewer where there are not enough sellers."""
    rng = Random(f"{seed}:rings")
    left = list(sellers)
    rng.shuffle(left)
    rings = []
    for _ in range(num_rings):
        size = rng.choice(RING_SIZES)
        if len(left) < size:
            break
        rings.append(Ring(tuple(left[:size])))
        left = left[size:]
    return rings


def plant_rings(listings: Sequence[Listing], rings: Sequence[Ring], *, seed: int) -> list[Listing]:
    """The listings, then what members of the rings repost of each other's; ids count on.

    A repost has the product, facts and category of what it repeats, another seller and price, its title as it was or
    edited a little, and its picture, to the byte or cropped by a hair and encoded again.
    """
    rng = Random(f"{seed}:reposts")
    out = list(listings)
    for ring in rings:
        for member in ring.members:
            sound = [x for x in listings if x.seller.name == member.name and not _SPOILT & set(x.defects)]
            for other in ring.members:
                if other is member:
                    continue
                for listing in sound:
                    if rng.random() < REPOSTED_SHARE:
                        out.append(_repost(listing, other, f"L{len(out) + 1:07d}", rng))
    return out


def _repost(listing: Listing, seller: Seller, product_id: str, rng: Random) -> Listing:
    return replace(
        listing,
        seller=seller,
        product_id=product_id,
        title=listing.title if rng.random() < SAME_SHARE else edit_title(listing.title, rng),
        price=round(listing.price * rng.uniform(0.95, 1.02), 2),
        dice=f"{listing.dice}:reposted:{seller.name}",
        defects=tuple(each for each in listing.defects if each == "mismatched" or each.startswith("missing")),
        reposts=listing,
    )


def ring_rows(rings: Sequence[Ring]) -> list[dict[str, str]]:
    """Rows of rings.csv: each member with its ring's number."""
    return [{"seller": x.name, "ring": str(number)} for number, ring in enumerate(rings, 1) for x in ring.members]
