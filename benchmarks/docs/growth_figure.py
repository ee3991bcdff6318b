"""The growth curves of docs/scale.md, from the tables of docs/results.md and docs/tasks/clustering.md.

python benchmarks/docs/growth_figure.py --out docs/images/scale-growth.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

SIZES = (10_000, 100_000, 1_000_000)
# Seconds by the clock on two cores: results.md, "Scale" (benchmarks/prepare/scale.py printed them).
SECONDS = {
    "all of prepare": (4.8, 36.5, 414.8),
    "read and clean": (3.1, 21.4, 234.2),
    "first look": (0.8, 5.8, 55.9),
    "catalogs": (0.5, 4.7, 62.1),
    "duplicates": (0.2, 1.5, 21.8),
}
CLUSTERING = (6, 48)  # seconds of a core, the first two sizes: tasks/clustering.md
GIGABYTES = (1.5, 1.7, 3.8)


def main() -> None:
    """Draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    mpl.use("agg")
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8), width_ratios=(2, 1), layout="constrained")
    for name, seconds in SECONDS.items():
        left.loglog(SIZES, seconds, marker="o", label=name)
    left.loglog(SIZES[:2], CLUSTERING, marker="s", linestyle="--", label="clustering (a core)")
    first = SECONDS["all of prepare"][0]
    left.loglog(SIZES, [first * size / SIZES[0] for size in SIZES], color="#b0bec5", linestyle=":", label="linear")
    left.set(title="seconds", xlabel="listings")
    left.legend(fontsize=8)
    right.semilogx(SIZES, GIGABYTES, marker="o", color="#00796b")
    right.set(title="memory of prepare, GB", xlabel="listings", ylim=(0, None))
    figure.savefig(args.out, dpi=110)


if __name__ == "__main__":
    main()
