"""`eclip sample`: draw a shop to try everything on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclip.commands.arguments import OutArgument, require_positive, require_seed
from eclip.errors import ConfigError

if TYPE_CHECKING:
    from eclip.sample.shop import SampleSummary


def sample(
    out: OutArgument, /, *, products: int = 800, sellers: int = 12, rings: int = 0, seed: int = 0
) -> SampleSummary:
    """Draw a multi-seller shop with known truth: a feed, its pictures and a truth table.

    Try it:  eclip sample shop && eclip run shop/feed.csv --out result --recipe tiny

    Args:
        out: Folder to make; holds feed.csv, images/ and truth.csv.
        products: How many different products; listings come to about 2.5 times as many.
        sellers: How many sellers offer them.
        rings: Groups of three to five sellers that repost each other's pictures and titles, told in rings.csv.
        seed: The same seed draws the same shop, to the byte.
    """
    from eclip.sample.shop import draw_shop

    require_positive("products", products)
    require_positive("sellers", sellers)
    require_seed(seed)
    if rings < 0:
        raise ConfigError(f"--rings {rings}: expected 0 or more")
    return draw_shop(Path(out), num_products=products, num_sellers=sellers, seed=seed, num_rings=rings)
