"""The study as one HTML page, in the manner of the store's report."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from eclip.products.garbage import search_put_off
from eclip.products.report.sheets import Card, Sheet, thumbnail
from eclip.products.store import Store
from eclip.sellers.findings import Finding
from eclip.sellers.output import price_ratios, shared_by
from eclip.sellers.rings import Ring
from eclip.sellers.study import SellerStudy

SELLERS_SHOWN = 60
EVIDENCE_SHOWN = 6  # of one seller's listings in one trouble
RINGS_SHOWN = 20
THINGS_SHOWN = 4  # of one ring and kind
CARDS_SHOWN = 6  # listings of one thing


@dataclass(frozen=True)
class Cell:
    """One rate of one seller."""

    bad: int
    counted: int
    rate: float
    low: float
    high: float
    above: bool  # the rate of all sellers, beyond chance


@dataclass(frozen=True)
class SellerRow:
    """One seller on the page."""

    seller: str
    listings: int
    excess: float
    cells: list[Cell]
    price_ratio: float | None
    evidence: list[tuple[str, int, list[tuple[str, str, str]]]]  # trouble, how many, (product id, title, note)


@dataclass(frozen=True)
class RingSection:
    """One ring on the page."""

    ring: Ring
    members: list[str]
    sheets: list[Sheet]


@search_put_off()
def render_study(study: SellerStudy, store: Store, *, model: str | None) -> str:
    """The page as HTML: style and pictures stand inside it, scripts are forbidden, feeds' texts are escaped.

    Args:
        study: Of the store.
        store: For its pictures.
        model: Digest of the model that was asked, None = none was.
    """
    environment = Environment(
        loader=PackageLoader("eclip.sellers"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = study.ranking[:SELLERS_SHOWN].tolist()
    style = files("eclip.products.report") / "templates" / "store.css"
    own_style = files("eclip.sellers") / "templates" / "sellers.css"
    return environment.get_template("sellers.html").render(
        style=style.read_text(encoding="utf-8") + own_style.read_text(encoding="utf-8"),
        store=str(store.place),
        digest=store.digest[:16],
        model=model,
        num_sellers=len(study.listings.seller_names),
        num_listings=int(study.num_listings.sum()),
        missing=[finding for finding in study.findings if finding.missing],
        overall=[(finding.words, study.rates[finding.name].overall) for finding in _told(study)],
        sellers=_seller_rows(study, shown),
        num_rings=len(study.rings),
        rings=[_ring_section(study, store, ring) for ring in study.rings[:RINGS_SHOWN]],
    )


def _told(study: SellerStudy) -> list[Finding]:
    """The kinds of trouble that something could be told of."""
    return [finding for finding in study.findings if finding.missing is None]


def _seller_rows(study: SellerStudy, sellers: list[int]) -> list[SellerRow]:
    ratios, excess, num = price_ratios(study), study.excess, study.num_listings
    return [
        SellerRow(
            seller=study.listings.seller_names[seller],
            listings=int(num[seller]),
            excess=float(excess[seller]),
            cells=[_cell(study, finding.name, seller) for finding in _told(study)],
            price_ratio=None if np.isnan(ratios[seller]) else float(ratios[seller]),
            evidence=_evidence(study, seller),
        )
        for seller in sellers
    ]


def _cell(study: SellerStudy, name: str, seller: int) -> Cell:
    rates = study.rates[name]
    return Cell(
        bad=int(rates.bad[seller]),
        counted=int(rates.counted[seller]),
        rate=float(rates.rates[seller]),
        low=float(rates.low[seller]),
        high=float(rates.high[seller]),
        above=bool(rates.excess[seller] > 0),
    )


def _evidence(study: SellerStudy, seller: int) -> list[tuple[str, int, list[tuple[str, str, str]]]]:
    """Some listings of each trouble that the seller has more often than others."""
    listings, out = study.listings, []
    for finding in study.findings:
        if not study.rates[finding.name].excess[seller]:
            continue
        rows = np.flatnonzero(finding.bad & (listings.sellers == seller)).tolist()
        some = [
            (listings.product_ids[row], listings.titles[row] or "(no title)", finding.notes[row])
            for row in rows[:EVIDENCE_SHOWN]
        ]
        out.append((finding.words, len(rows), some))
    return out


def _ring_section(study: SellerStudy, store: Store, ring: Ring) -> RingSection:
    by_kind: dict[str, list[list[int]]] = {}
    for kind, rows in shared_by(study, ring):
        if len(by_kind.setdefault(kind, [])) < THINGS_SHOWN:
            by_kind[kind].append(rows)
    sheets = [
        Sheet(f"one of the {kind}", _cards(study, store, rows), len(rows))
        for kind, groups in by_kind.items()
        for rows in groups
    ]
    return RingSection(ring, [study.listings.seller_names[member] for member in ring.members], sheets)


def _cards(study: SellerStudy, store: Store, rows: list[int]) -> list[Card]:
    """A listing of each seller first, so that the copying is seen."""
    listings = study.listings
    first: dict[int, int] = {}
    for row in rows:
        first.setdefault(int(listings.sellers[row]), row)
    shown = [*first.values(), *(row for row in rows if row not in first.values())][:CARDS_SHOWN]
    pictures: list[Any] = store.images(shown)
    return [
        Card(
            listings.titles[row] or listings.product_ids[row],
            f"{listings.seller_names[listings.sellers[row]]}, {listings.product_ids[row]}",
            thumbnail(picture),
        )
        for row, picture in zip(shown, pictures, strict=True)
    ]
