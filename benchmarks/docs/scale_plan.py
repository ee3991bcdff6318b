"""The arithmetic of docs/scale.md: measured rates, extended to a billion listings.

    python benchmarks/docs/scale_plan.py --core-hour 0.04 --gigabyte-month 0.023

Nothing is measured here. Each rate names where it was; what was seen to grow faster than the rows grows on at the
same pace, which is a guess beyond a million.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

SIZES = (10**6, 10**7, 10**8, 10**9)
MEASURED_AT = 10**6
CORES = 16  # of one machine
DAY_HOURS = 24


@dataclass(frozen=True)
class Stage:
    """What one stage costs a listing.

    Attributes:
        name: As in the table.
        milliseconds: Of one core, a listing, at a million rows.
        growth: Factor of that for ten times the rows.
        spread: Over machines, over the cores of one machine, or one process.
        source: Where the rate was measured.
    """

    name: str
    milliseconds: float
    growth: float
    spread: str
    source: str

    def core_hours(self, rows: int) -> float:
        """Hours of one core for so many listings."""
        decades = math.log10(rows / MEASURED_AT)
        return rows * self.milliseconds * self.growth**decades / 3.6e6

    def hours(self, rows: int) -> float:
        """By the clock, on one machine."""
        return self.core_hours(rows) / (1 if self.spread == "process" else CORES)


STAGES = (
    Stage("clean: titles, pictures of 160 pixels", 1.05, 1.0, "machines", "hm: 9.8 processor s, 9,388 rows"),
    Stage("learn phrases, accept, write", 0.056 + 0.010 + 0.025, 1.0, "process", "results, Scale; cluster"),
    Stage("whole-feed view: duplicates, catalogs, groups, report", 0.100, 1.31, "process", "results, Scale"),
    Stage("train `locked`, 4 epochs", 3.9 + 4 * 2.07, 1.0, "machine", "results, Locked"),
    Stage("train `small`, 2 epochs", 2 * 36.0, 1.0, "machine", "results, Training engine"),
    Stage("embed, ONNX", 3.1, 1.0, "machine", "models, Backends"),
    Stage("index, two kinds of vectors", 2 * 0.034 * math.sqrt(10), math.sqrt(10), "machine", "search, Figures"),
    Stage("cluster", 0.48, 1.0, "process", "tasks/clustering"),
    Stage("enrich one listing in a hundred (a day)", 0.01 * 8.0, 1.0, "machine", "tasks/enrich"),
)
BYTES = (  # a listing
    ("store, pictures of 160 pixels", 3_700),
    ("three vectors of 512, float16", 3 * 512 * 2),
    ("memory: the whole-feed view", 2_300),
    ("memory: search with an index, two kinds of vectors of 512", 2 * (512 + 35)),
    ("memory: enrich against the store", 6_000),
)


def shown_hours(hours: float) -> str:
    """Minutes below one hour, days above two."""
    if hours < 1:
        return f"{hours * 60:.0f} min" if hours >= 1 / 60 else "< 1 min"
    return f"{hours:,.0f} h" if hours < 2 * DAY_HOURS else f"{hours / DAY_HOURS:,.0f} days"


def shown_bytes(count: float) -> str:
    """In the unit that leaves one to three digits."""
    unit = min(int(math.log10(count) // 3), 4)
    return f"{count / 1000**unit:,.1f} {('B', 'kB', 'MB', 'GB', 'TB')[unit]}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, all columns but the first to the right."""
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core-hour", type=float, default=0.04)
    parser.add_argument("--gigabyte-month", type=float, default=0.023)
    args = parser.parse_args()
    sizes = [f"{size:,}" for size in SIZES]
    print(table(["core hours", *sizes], [[s.name, *(f"{s.core_hours(n):,.1f}" for n in SIZES)] for s in STAGES]))
    print()
    print(
        table(
            [f"by the clock, one machine of {CORES} cores", "spread over", *sizes],
            [[s.name, s.spread, *(shown_hours(s.hours(n)) for n in SIZES)] for s in STAGES],
        )
    )
    print()
    print(
        table(
            [f"money at {args.core_hour} a core hour", *sizes],
            [[s.name, *(f"{s.core_hours(n) * args.core_hour:,.2f}" for n in SIZES)] for s in STAGES],
        )
    )
    print()
    print(table(["bytes", *sizes], [[name, *(shown_bytes(each * n) for n in SIZES)] for name, each in BYTES]))
    kept = sum(each for name, each in BYTES if not name.startswith("memory")) / 1e9
    print(f"\nkept a month at {args.gigabyte_month} a GB:", [f"{kept * n * args.gigabyte_month:,.2f}" for n in SIZES])


if __name__ == "__main__":
    main()
