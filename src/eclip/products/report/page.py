"""The page of a store's report: STORE/report.html."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from eclip.files import write_text
from eclip.products.dataset import open_dataset
from eclip.products.report.figures import FIGURE_COLUMNS, count_figures
from eclip.products.report.sheets import catalog_sheets, duplicate_sheets, wrong_pair_sheets
from eclip.products.store import PAIRS_CHECK, Store
from eclip.schema import REJECTS_DATASET, STORE_REPORT


def write_store_report(store: Store) -> Path:
    """Write the report of a finished store into it; returns its path."""
    page = store.path / STORE_REPORT
    write_text(page, render_store_report(store))
    return page


def render_store_report(store: Store) -> str:
    """The page as HTML: style and pictures stand inside it, scripts are forbidden, feeds' texts are escaped."""
    summary = store.manifest["summary"]
    products = store.table([*FIGURE_COLUMNS, "duplicate_reason", "pair_score"])
    rejects = open_dataset(store.path / REJECTS_DATASET).to_table()
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
        figures=count_figures(products, rejects, summary["rows_read"]),
        updated=store.manifest.get("updated"),
        placeholders=summary["placeholders"],
        pairs=store.manifest.get(PAIRS_CHECK),
        sheets={
            "Listings that repeat another": duplicate_sheets(store, products),
            "Catalogs": catalog_sheets(store, products),
            "Pictures that seem to be of something else": wrong_pair_sheets(store, products),
        },
    )
