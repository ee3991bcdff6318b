"""The true products: models, their colour variants, and all that is so whoever sells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from eclip.sample.departments import DEPARTMENTS, LEAVES, Leaf
from eclip.sample.words import Brand, make_brands

_VARIANT_WEIGHTS = (0.6, 0.25, 0.1, 0.05)  # of 1, 2, 3, 4 colours of one model
_DETAIL_SHARE = 0.4
_BRANDS_PER_DEPARTMENT = 9
_GTIN_PREFIX = "880"  # GS1's prefix for Korea


@dataclass(frozen=True, kw_only=True)
class Product:
    """One true product: the same item whoever offers it."""

    key: str
    model_id: str
    """Shared by the colour variants of one model, which share their shape too."""
    catalog_id: str
    leaf: Leaf
    brand: Brand
    series: Brand
    model_number: str
    gtin: str
    price: float
    colour: str
    pattern: str
    material: str
    traits: dict[str, str]
    details: tuple[str, ...]

    @property
    def attributes(self) -> dict[str, str | list[str]]:
        """Attribute name -> value, as a feed gives them; "details" is a list."""
        out: dict[str, str | list[str]] = {"colour": self.colour}
        if len(set(self.leaf.patterns)) > 1:
            out["pattern"] = self.pattern
        out |= {"material": self.material, **self.traits}
        if self.details:
            out["details"] = list(self.details)
        return out


def gtin13(digits: str) -> str:
    """Add the check digit of EAN-13 (GS1 General Specifications, 7.9) to twelve digits."""
    total = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits))
    return digits + str(-total % 10)


def make_products(num_products: int, *, seed: int) -> list[Product]:
    """Draw the assortment: every leaf in turn, so that each has its share whatever the size."""
    brands = {name: make_brands(Random(f"{seed}:brands:{name}"), _BRANDS_PER_DEPARTMENT) for name in DEPARTMENTS}
    order = list(LEAVES)
    Random(f"{seed}:leaves").shuffle(order)
    products: list[Product] = []
    model = 0
    while len(products) < num_products:
        leaf = order[model % len(order)]
        rng = Random(f"{seed}:model:{model}")
        room = num_products - len(products)
        products += _make_model(leaf, model, len(products), brands[leaf.path[0]], rng)[:room]
        model += 1
    return products


def _make_model(leaf: Leaf, model: int, first: int, brands: Sequence[Brand], rng: Random) -> list[Product]:
    """All colour variants of one model; they differ in colour and codes only."""
    (count,) = rng.choices((1, 2, 3, 4), _VARIANT_WEIGHTS)
    colours = rng.sample(leaf.colours, min(count, len(leaf.colours)))
    brand, series = rng.choice(brands), make_brands(rng, 1)[0]
    number = f"{''.join(rng.choice('ABCDEGHKLMNPRSTVX') for _ in range(2))}-{rng.randrange(1000, 10000)}"
    low, high = leaf.price
    price = round(low * (high / low) ** rng.random(), 1)
    pattern, material = rng.choice(leaf.patterns), rng.choice(leaf.materials)
    traits = {name: rng.choice(values) for name, values in leaf.traits.items()}
    details = tuple(name for name in leaf.details if rng.random() < _DETAIL_SHARE)
    out = []
    for i, colour in enumerate(colours):
        index = first + i
        out.append(
            Product(
                key=f"p{index:06d}",
                model_id=f"m{model:06d}",
                catalog_id=f"c{(index * 7919 + 104729) % 10**8:08d}",
                leaf=leaf,
                brand=brand,
                series=series,
                model_number=number if len(colours) == 1 else f"{number}-{colour[:2].upper()}{i + 1}",
                gtin=gtin13(f"{_GTIN_PREFIX}{(index * 10007 + rng.randrange(10007)) % 10**9:09d}"),
                price=price,
                colour=colour,
                pattern=pattern,
                material=material,
                traits=traits,
                details=details,
            )
        )
    return out
