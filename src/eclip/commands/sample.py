"""`eclip sample`: draw a shop to try everything on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclip.commands.arguments import OutArgument, require_positive, require_seed

if TYPE_CHECKING:
    from eclip.sample.shop import SampleSummary


def sample(out: OutArgument, /, *, products: int = 800, sellers: int = 12, seed: int = 0) -> SampleSummary:
    """Draw a multi-seller shop with known truth: a feed, its pictures and a truth table.

    Try it:  eclip sample shop && eclip run shop/feed.csv --out result --recipe tiny

    Args:
        out: Folder to make; holds feed.csv, images/ and truth.csv.
        products: How many different products; listings come to about 2.5 times as many.
        sellers: How many sellers offer them.
        seed: The same seed draws the same shop, to the byte.
    """
    from eclip.sample.shop import draw_shop

    require_positive("products", products)
    require_positive("sellers", sellers)
    require_seed(seed)
    return draw_shop(Path(out), num_products=products, num_sellers=sellers, seed=seed)
