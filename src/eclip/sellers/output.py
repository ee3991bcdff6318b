"""The study as files: three tables for spreadsheets, and one JSON file with all of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eclip.files import replace_file, write_text
from eclip.sellers.rings import Ring
from eclip.sellers.study import SellerStudy
from eclip.spreadsheets import protected

SELLERS_TABLE, EVIDENCE_TABLE, RINGS_TABLE = "sellers.csv", "evidence.csv", "rings.csv"
SELLERS_DATA, SELLERS_PAGE = "sellers.json", "sellers.html"
SELLERS_VERSION = 1


def write_study(study: SellerStudy, out: Path, *, facts: dict[str, Any]) -> None:
    """Write all tables and the JSON file into a folder.

    Args:
        study: Of a store.
        out: Folder to write.
        facts: Of which store, and by which model.

    Raises:
        DiskError: The disk is full, or the folder can't be written.
    """
    _write_csv(out / SELLERS_TABLE, list(_sellers(study)))
    _write_csv(out / EVIDENCE_TABLE, list(_evidence(study)), ("seller", "trouble", "product_id", "title", "note"))
    _write_csv(out / RINGS_TABLE, list(_ring_rows(study)), ("ring", "seller", "product_id", "shows", "with"))
    content = {"version": SELLERS_VERSION, **facts, **study_content(study)}
    write_text(out / SELLERS_DATA, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def study_content(study: SellerStudy) -> dict[str, Any]:
    """The study as JSON keeps it, its listings left out."""
    names = study.listings.seller_names
    overall = {
        finding.name: {
            "bad": int(study.rates[finding.name].bad.sum()),
            "counted": int(study.rates[finding.name].counted.sum()),
            "rate": _rounded(study.rates[finding.name].overall),
            "missing": finding.missing,
        }
        for finding in study.findings
    }
    return {"overall": overall, "sellers": list(_sellers(study)), "rings": [_ring(each, names) for each in study.rings]}


def price_ratios(study: SellerStudy) -> np.ndarray:
    """[S] median of a seller's prices over those of the same catalogs' other sellers; NaN where none was compared."""
    out = np.full(len(study.listings.seller_names), np.nan)
    rows = np.flatnonzero(~np.isnan(study.prices.ratios) & (study.listings.sellers >= 0))
    rows = rows[np.argsort(study.listings.sellers[rows], kind="stable")]
    sellers, starts = np.unique(study.listings.sellers[rows], return_index=True)
    for seller, part in zip(sellers, np.split(study.prices.ratios[rows], starts[1:]), strict=False):
        out[seller] = np.median(part)
    return out


def _sellers(study: SellerStudy) -> Iterator[dict[str, Any]]:
    """One row a seller, the most troubled first."""
    ratios, excess, num = price_ratios(study), study.excess, study.num_listings
    for seller in study.ranking.tolist():
        row: dict[str, Any] = {
            "seller": study.listings.seller_names[seller],
            "listings": int(num[seller]),
            "excess": _rounded(excess[seller]),
        }
        for finding in study.findings:
            rates = study.rates[finding.name]
            row |= {
                finding.name: int(rates.bad[seller]),
                f"{finding.name}_of": int(rates.counted[seller]),
                f"{finding.name}_rate": _rounded(rates.rates[seller]),
                f"{finding.name}_low": _rounded(rates.low[seller]),
                f"{finding.name}_high": _rounded(rates.high[seller]),
            }
        yield row | {"price_ratio": None if np.isnan(ratios[seller]) else _rounded(ratios[seller])}


def _evidence(study: SellerStudy) -> Iterator[dict[str, Any]]:
    """One row a listing and trouble, by seller in the order of the ranking."""
    listings, place = study.listings, np.argsort(study.ranking)
    for finding in study.findings:
        rows = [row for row in finding.notes if listings.sellers[row] >= 0]
        for row in sorted(rows, key=lambda each: (place[listings.sellers[each]], each)):
            yield {
                "seller": listings.seller_names[listings.sellers[row]],
                "trouble": finding.name,
                "product_id": listings.product_ids[row],
                "title": listings.titles[row],
                "note": finding.notes[row],
            }


def shared_by(study: SellerStudy, ring: Ring) -> Iterator[tuple[str, list[int]]]:
    """Each thing that members of a ring show, its kind and the listings that do; those of most members first."""
    for kind, things in study.things.items():
        rows = ring.rows[things[ring.rows] >= 0]
        rows = rows[np.argsort(things[rows], kind="stable")]
        groups = np.split(rows, np.flatnonzero(np.diff(things[rows])) + 1) if len(rows) else []
        several = [group for group in groups if len(set(study.listings.sellers[group].tolist())) > 1]
        for group in sorted(several, key=lambda each: (-len(set(study.listings.sellers[each].tolist())), each[0])):
            yield kind, group.tolist()


def _ring_rows(study: SellerStudy) -> Iterator[dict[str, Any]]:
    """One row for each listing of a ring that shows what another member shows."""
    listings = study.listings
    for number, ring in enumerate(study.rings, 1):
        for kind, rows in shared_by(study, ring):
            for row in rows:
                others = [listings.product_ids[each] for each in rows if each != row]
                yield {
                    "ring": number,
                    "seller": listings.seller_names[listings.sellers[row]],
                    "product_id": listings.product_ids[row],
                    "shows": kind,
                    "with": " ".join(others),
                }


def _ring(ring: Ring, names: Sequence[str]) -> dict[str, Any]:
    return {
        "sellers": [names[member] for member in ring.members],
        "listings": ring.listings,
        "shared_listings": len(ring.rows),
        "share": _rounded(len(ring.rows) / max(1, ring.listings)),
        "low": _rounded(ring.low),
        "high": _rounded(ring.high),
        **{f"shared_{kind}": num for kind, num in ring.shared.items()},
        "bonds": [
            {
                "sellers": [names[bond.one], names[bond.two]],
                "surprise": _rounded(bond.surprise),
                "lift": _rounded(bond.lift),
                **{f"shared_{kind}": num for kind, num in bond.shared.items()},
            }
            for bond in ring.bonds
        ],
    }


def _write_csv(path: Path, rows: Sequence[dict[str, Any]], columns: Iterable[str] = ()) -> None:
    with replace_file(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: protected(value) for name, value in row.items()} for row in rows)


def _rounded(value: float) -> float:
    """Six digits, so that files differ only where figures do."""
    return float(f"{value:.6g}")
