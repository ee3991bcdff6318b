"""What the command line prints of a study of sellers."""

from __future__ import annotations

from typing import Any

from eclip.console import print_line, print_table

_SELLERS_SHOWN = 15
_RINGS_SHOWN = 10
_NAMES_SHOWN = 6


def show_sellers(summary: Any) -> None:
    """Print the groups of sellers and the most troubled sellers; the page and the tables have all."""
    study = summary.study
    told = [finding for finding in study.findings if finding.missing is None]
    rows = [_seller(study, seller, told) for seller in study.ranking[:_SELLERS_SHOWN].tolist()]
    everybody = [f"{study.rates[finding.name].overall:.1%}" for finding in told]
    columns = ("seller", "listings", *(finding.words for finding in told))
    print_table(
        "Sellers, the most troubled first (* = more than all, beyond chance)",
        columns,
        [("all", int(study.num_listings.sum()), *everybody), *rows],
    )
    for finding in study.findings:
        if finding.missing:
            print_line(f"not told: {finding.words}: {finding.missing}")
    if study.rings:
        print_table(
            "Groups that show each other's pictures and titles",
            ("share of listings", "pictures", "titles", "sellers"),
            [_ring(study, ring) for ring in study.rings[:_RINGS_SHOWN]],
        )
    else:
        print_line("no two sellers share more pictures or titles than expected")
    print_line(f"page: {summary.page}")


def _seller(study: Any, seller: int, told: list[Any]) -> tuple[Any, ...]:
    cells = []
    for finding in told:
        rates = study.rates[finding.name]
        star = "*" if rates.excess[seller] > 0 else ""
        counted = int(rates.counted[seller])
        interval = f"{rates.low[seller] * 100:.0f}-{rates.high[seller] * 100:.0f} %"
        cells.append(f"{int(rates.bad[seller])}/{counted}, {interval}{star}" if counted else "")
    return study.listings.seller_names[seller], int(study.num_listings[seller]), *cells


def _ring(study: Any, ring: Any) -> tuple[Any, ...]:
    names = [study.listings.seller_names[member] for member in ring.members]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    share = f"{len(ring.rows)} of {ring.listings} ({ring.low:.0%} to {ring.high:.0%})"
    return share, *ring.shared.values(), ", ".join(names[:_NAMES_SHOWN]) + more
