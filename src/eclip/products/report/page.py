"""The page of a store's report: STORE/report.html."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from eclip.products.report.figures import FIGURE_COLUMNS, count_figures
from eclip.products.report.sheets import catalog_sheets, duplicate_sheets
from eclip.products.store import Store
from eclip.schema import STORE_REPORT


def write_store_report(store: Store) -> None:
    """Write the report of a finished store into it."""
    store.place.write_text(STORE_REPORT, render_store_report(store))


def render_store_report(store: Store) -> str:
    """The page as HTML: style and pictures stand inside it, scripts are forbidden, feeds' texts are escaped."""
    summary = store.manifest["summary"]
    products = store.table([*FIGURE_COLUMNS, "duplicate_reason"])
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
        figures=count_figures(products, rejects, summary["rows_read"]),
        updated=store.manifest.get("updated"),
        placeholders=summary["placeholders"],
        sheets={
            "Listings that repeat another": duplicate_sheets(store, products),
            "Catalogs": catalog_sheets(store, products),
        },
    )
