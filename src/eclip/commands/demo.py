"""`eclip demo`: the main job on a drawn shop, then its search page."""

from __future__ import annotations

import os
from pathlib import Path

from eclip.commands.run import RunSummary, run_stages
from eclip.commands.sample import sample
from eclip.commands.serve import serve

TRAINING_MINUTES = 1.0


def demo(*, out: Path = Path("demo"), products: int = 600, seed: int = 1, no_serve: bool = False) -> RunSummary | None:
    """Draw a sample shop, run the main job on it, write the report, serve the search page.

    Args:
        out: Folder to make.
        products: How many different products to draw.
        seed: Decides everything random.
        no_serve: Stop after the report; so it does where the environment variable CI is set.
    """
    from eclip.commands.show import show
    from eclip.sample.shop import drawn_with

    out = Path(out)
    feed = out / "shop" / "feed.csv"
    drawn = drawn_with(out / "shop")
    if (drawn.get("products"), drawn.get("seed")) != (products, seed):
        show(sample(out / "shop", products=products, seed=seed))
    summary = run_stages(
        feed,
        out,
        {},
        {"recipe": "small", "seed": seed},
        minutes=TRAINING_MINUTES,
        compare_clip=True,
    )
    if not no_serve and not os.environ.get("CI"):
        show(summary)
        serve(summary.store, model=summary.model, report=summary.evaluation.report.parent)
        return None  # all was said before serving
    return summary
