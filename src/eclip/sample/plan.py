"""Who offers what, and which defects are planted where: decided before anything is drawn."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from eclip.sample.barcodes import give_gtins
from eclip.sample.departments import Leaf
from eclip.sample.goods import Product
from eclip.sample.listings import Seller, choose_sellers, edit_title, make_description, make_title

PLACEHOLDER_FILE = "no-image.jpg"


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Shares of the planted defects and of what sellers give, of all listings unless said otherwise."""

    mismatched: float = 0.04
    """The picture shows a product of another category (never across the border of the 19+ department)."""
    no_image: float = 0.03
    """The picture is the shop's one placeholder."""
    broken_image: float = 0.02
    """The file is truncated, empty, or text."""
    exact_duplicate: float = 0.04
    """The same seller lists again: same title, same picture to the byte."""
    near_duplicate: float = 0.04
    """The same seller lists again: title edited a little, picture cropped by a hair and re-encoded."""
    missing_category: float = 0.08
    missing_attributes: float = 0.12
    """No attribute at all is given."""
    missing_value: float = 0.1
    """Of the single attribute values where attributes are given: ordinary gaps, not told as a defect."""
    missing_policy: float = 0.06
    """Of the listings of the 19+ department."""
    catalog_id: float = 0.7
    """Listings whose feed row gives the catalog id."""
    gtin: float = 0.75
    """Listings whose feed row gives a GTIN: theirs, unless one of the next two says otherwise."""
    wrong_gtin: float = 0.01
    """Listings whose GTIN is another product's: a sibling's colour if there is one, every other time."""
    useless_gtin: float = 0.03
    """Listings whose GTIN names no product: an in-store code, a stand-in, or a digit mistyped."""
    brand: float = 0.85
    """Listings whose feed row gives the brand."""
    model_number: float = 0.4
    """Listings whose feed row gives the model number."""
    description: float = 0.5
    """Listings with a line of description."""


GIVEN = ("catalog_id", "gtin", "brand", "model_number", "description")
DEFECTS = (
    "mismatched",
    "no_image",
    "broken_image",
    "exact_duplicate",
    "near_duplicate",
    "missing_category",
    "missing_attributes",
    "missing_policy",
    "wrong_gtin",
    "useless_gtin",
)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One seller's offer as planned: its feed row, its truth, and what its picture shows."""

    product: Product
    seller: Seller
    title: str
    description: str
    price: float
    dice: str
    """Seed of its picture's view."""
    picture_of: Product | None
    """Whose product the picture shows; None for the placeholder and for broken files."""
    defects: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    """Which of "category", "policy" and GIVEN the feed row gives."""
    attributes: dict[str, str | list[str]] = field(default_factory=dict)
    """As the feed row gives them; the truth has all."""
    gtin: str = ""
    """As the feed row gives it; empty = not given."""
    product_id: str = ""
    original: Listing | None = None
    """The listing that this one repeats."""
    reposts: Listing | None = None
    """Another seller's listing whose title and picture this one has, in a ring."""

    @property
    def image(self) -> str:
        """Name of its picture file."""
        return PLACEHOLDER_FILE if "no_image" in self.defects else f"{self.product_id}.jpg"


def plan_listings(
    products: Sequence[Product], sellers: Sequence[Seller], *, seed: int, shares: Shares
) -> list[Listing]:
    """Plan the whole feed, in its order; an original always stands before its duplicates."""
    offers = _offer(products, sellers, seed)
    rng = Random(f"{seed}:defects")
    total = len(offers) / (1 - shares.exact_duplicate - shares.near_duplicate)
    order = list(range(len(offers)))
    rng.shuffle(order)
    take = iter(order)
    strangers = _Strangers(products)
    for kind in ("mismatched", "no_image", "broken_image"):
        for i in _next(take, round(getattr(shares, kind) * total)):
            offers[i] = _spoil_picture(offers[i], kind, strangers, rng)
    copies: list[tuple[int, str]] = []  # position of the original, kind
    for kind in ("exact_duplicate", "near_duplicate"):
        copies += [(i, kind) for i in _next(take, round(getattr(shares, kind) * total))]
    places = sorted(
        [(rng.random(), i, "") for i in range(len(offers))] + [(rng.random(), i, kind) for i, kind in copies]
    )
    return _fill_rows(_number(offers, places, rng), seed, shares)


def _offer(products: Sequence[Product], sellers: Sequence[Seller], seed: int) -> list[Listing]:
    offers = []
    for product in products:
        for index in choose_sellers(sellers, Random(f"{seed}:offers:{product.key}")):
            dice = f"{seed}:listing:{product.key}:{index}"
            rng, seller = Random(dice), sellers[index]
            offers.append(
                Listing(
                    product=product,
                    seller=seller,
                    title=make_title(product, seller, rng),
                    description=make_description(product, seller, rng),
                    price=round(product.price * rng.uniform(0.85, 1.15), 2),
                    dice=dice,
                    picture_of=product,
                )
            )
    return offers


def _next(take: Iterator[int], count: int) -> list[int]:
    """The next `count` positions, fewer when a tiny shop has no more."""
    return list(itertools.islice(take, count))


class _Strangers:
    """Products of other categories on the same side of the 19+ border, gathered once for each category."""

    def __init__(self, products: Sequence[Product]) -> None:
        self._products = products
        self._of: dict[str, list[Product]] = {}

    def of(self, leaf: Leaf) -> list[Product]:
        """Those that no product of this category is taken for."""
        if leaf.key not in self._of:
            self._of[leaf.key] = [p for p in self._products if p.leaf is not leaf and p.leaf.adult == leaf.adult]
        return self._of[leaf.key]


def _spoil_picture(offer: Listing, kind: str, strangers: _Strangers, rng: Random) -> Listing:
    shown: Product | None = None
    if kind == "mismatched":
        others = strangers.of(offer.product.leaf)
        if not others:  # a shop too small to mix anything up
            return offer
        shown = rng.choice(others)
    return replace(offer, picture_of=shown, defects=(kind,))


def _number(offers: list[Listing], places: list[tuple[float, int, str]], rng: Random) -> list[Listing]:
    """Give ids in the feed's order and make the copies; the earlier of a pair is the original."""
    out: list[Listing] = []
    copied = {i: kind for _, i, kind in places if kind}
    first: dict[int, Listing] = {}
    for number, (_, i, _) in enumerate(places, start=1):
        product_id = f"L{number:07d}"
        if i not in first:
            first[i] = replace(offers[i], product_id=product_id)
            out.append(first[i])
            continue
        kind, original = copied[i], first[i]
        title = original.title if kind == "exact_duplicate" else edit_title(original.title, rng)
        copy = replace(original, product_id=product_id, title=title, original=original)
        out.append(replace(copy, dice=f"{original.dice}:again", defects=(kind,)))
    return out


def _fill_rows(listings: list[Listing], seed: int, shares: Shares) -> list[Listing]:
    """Decide what each feed row gives and what it leaves out, by exact counts."""
    rng = Random(f"{seed}:rows")
    every = range(len(listings))
    adult = [i for i in every if listings[i].product.leaf.adult]

    def some(share: float, of: Sequence[int] = every) -> set[int]:
        return set(rng.sample(list(of), round(share * len(of))))

    missing = {
        "missing_category": some(shares.missing_category),
        "missing_attributes": some(shares.missing_attributes),
        "missing_policy": some(shares.missing_policy, adult),
    }
    told = {name: some(getattr(shares, name)) for name in GIVEN}
    gtins = give_gtins(listings, told["gtin"], seed, wrong=shares.wrong_gtin, useless=shares.useless_gtin)
    out = []
    for i, listing in enumerate(listings):
        given = {"category", "policy"} if listing.product.leaf.adult else {"category"}
        given -= {name for name in ("category", "policy") if i in missing[f"missing_{name}"]}
        given |= {name for name, rows in told.items() if i in rows}
        values = listing.product.attributes if i not in missing["missing_attributes"] else {}
        dice = [rng.random() for _ in values]
        out.append(
            replace(
                listing,
                defects=listing.defects
                + tuple(kind for kind, rows in missing.items() if i in rows)
                + ((gtins[i].defect,) if i in gtins and gtins[i].defect else ()),
                gtin=gtins[i].written if i in gtins else "",
                given=frozenset(given),
                attributes={n: v for (n, v), d in zip(values.items(), dice, strict=True) if d >= shares.missing_value},
            )
        )
    return out
