"""The page of a store's report: STORE/report.html."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from eclip.products.garbage import search_put_off
from eclip.products.manifest import PAIRS_CHECK
from eclip.products.report.figures import FIGURE_COLUMNS, count_figures
from eclip.products.report.sheets import catalog_sheets, duplicate_sheets, wrong_pair_sheets
from eclip.products.store import Store
from eclip.schema import STORE_REPORT

REPORT_STAGE = "report"


@dataclass(frozen=True)
class StageCost:
    """What one stage cost."""

    name: str
    seconds: float
    processor_seconds: float
    rows_per_second: float
    share: float  # of the longest


def stage_costs(summary: dict[str, Any], num_rows: int) -> list[StageCost]:
    """The stages of a store's summary, in their order; none for a store that was made before they were counted.

    The report leaves itself out: the same store gives the same page.
    """
    seconds = {name: spent for name, spent in summary.get("stage_seconds", {}).items() if name != REPORT_STAGE}
    processor = summary.get("stage_processor_seconds", {})
    longest = max(seconds.values(), default=0.0) or 1.0
    return [
        StageCost(name, spent, processor.get(name, 0.0), num_rows / max(spent, 1e-3), spent / longest)
        for name, spent in seconds.items()
    ]


def write_store_report(store: Store) -> None:
    """Write the report of a finished store into it."""
    store.place.write_text(STORE_REPORT, render_store_report(store))


@search_put_off()
def render_store_report(store: Store) -> str:
    """The page as HTML: style and pictures stand inside it, scripts are forbidden, feeds' texts are escaped."""
    summary, updated = store.manifest["summary"], store.manifest.get("updated")
    products = store.table([*FIGURE_COLUMNS, "duplicate_reason", "pair_score"])
    rejects = store.rejects()
    environment = Environment(
        loader=PackageLoader("eclip.products.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("store.html").render(
        style=(files("eclip.products.report") / "templates" / "store.css").read_text(encoding="utf-8"),
        feed=store.manifest["feed"]["path"],
        num_rows=store.num_rows,
        digest=store.digest[:16],
        figures=count_figures(products, rejects, None if updated else summary["rows_read"]),
        updated=updated,
        placeholders=summary["placeholders"],
        stages=stage_costs(summary, store.num_rows),
        pairs=store.manifest.get(PAIRS_CHECK),
        sheets={
            "Listings that repeat another": duplicate_sheets(store, products),
            "Catalogs": catalog_sheets(store, products),
            "Pictures that seem to be of something else": wrong_pair_sheets(store, products),
        },
    )
