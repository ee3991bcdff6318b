"""The report of an evaluation: one HTML file for people, one JSON file for programs.

`report.html` needs no network and no script: style, plots and pictures stand inside it. Titles come from
feeds that nobody vouches for, so everything is escaped, and the page's own policy forbids scripts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from eclip.files import write_text
from eclip.schema import REPORT_PAGE
from eclip.tasks.evaluation.report_data import write_report_data
from eclip.tasks.evaluation.report_metrics import format_value
from eclip.tasks.evaluation.report_pictures import curve_label, plot_curves, thumbnail_uri
from eclip.tasks.evaluation.report_tables import MAX_ROWS, Table, first_metrics, glossary, task_tables
from eclip.tasks.evaluation.verdicts import compare_all, headlines, method_name, modality_name
from eclip.tasks.results import Curve, Report

NUM_LOSSES = 12  # shown at once
GALLERY_HEADINGS = {"search": "Searches", "cluster": "Clusters", "mistake": "Mistakes"}


@dataclass(frozen=True, kw_only=True)
class Plot:
    """One drawing with the words that stand for it where it can't be seen."""

    title: str
    svg: Markup
    description: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """One task of the page: its table, if it has numbers, and its plots."""

    anchor: str
    title: str
    table: Table | None
    whole: Table | None
    """Every metric, folded away, where `table` shows each target's first alone."""
    plots: list[Plot]


def write_report(report: Report, out: Path) -> Path:
    """Write `out`/report.html, `out`/report.json and the draws beside them, each aside and then renamed.

    Returns:
        The path of the HTML file.
    """
    page = render_report(report)
    write_report_data(report, out)
    write_text(out / REPORT_PAGE, page)
    return out / REPORT_PAGE


def render_report(report: Report) -> str:
    """The HTML page as text."""
    comparisons = compare_all(report.results)
    environment = Environment(
        loader=PackageLoader("eclip.tasks.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(format_value=format_value, method_name=method_name, modality_name=modality_name)
    style = (files("eclip.tasks.evaluation") / "templates" / "report.css").read_text(encoding="utf-8")
    return environment.get_template("report.html").render(
        facts=report.facts,
        headlines=headlines(comparisons),
        comparisons=comparisons,
        # Losses that may be chance come after those that may not.
        behind=sorted((each for each in comparisons if each.status == "behind"), key=lambda each: each.may_be_chance),
        num_losses=NUM_LOSSES,
        short=[comparison for comparison in comparisons if comparison.short_in],
        sections=_sections(report),
        galleries=_galleries(report),
        tested=any(comparison.p_value is not None for comparison in comparisons),
        skipped=report.skipped,
        glossary=glossary(report.results),
        style=Markup(style),  # our own file  # nosec B704
    )


def _sections(report: Report) -> list[Section]:
    """One section a task, in the order in which results and curves name them."""
    tables = {table.task: table for table in task_tables(report.results)}
    short = {table.task: table for table in task_tables(first_metrics(report.results))}
    long = {task for task, table in tables.items() if len(table.rows) > max(MAX_ROWS, len(short[task].rows))}
    plots: dict[str, list[Plot]] = {}
    groups: dict[tuple[str, str], list[Curve]] = {}
    for curve in report.curves:
        if curve.x:
            groups.setdefault((curve.task, curve.name), []).append(curve)
    for (task, name), curves in groups.items():
        plots.setdefault(task, []).append(_plot(name, curves))
    return [
        Section(
            anchor=f"task-{number}",
            title=task[:1].upper() + task[1:],
            table=short[task] if task in long else tables.get(task),
            whole=tables[task] if task in long else None,
            plots=plots.get(task, []),
        )
        for number, task in enumerate(dict.fromkeys((*tables, *plots)), start=1)
    ]


def _plot(name: str, curves: list[Curve]) -> Plot:
    salt = hashlib.sha256(f"{curves[0].task}/{name}".encode()).hexdigest()[:8]
    lines = "; ".join(f"{curve_label(curve)} from {curve.y[0]:.3g} to {curve.y[-1]:.3g}" for curve in curves)
    return Plot(
        title=name,
        svg=Markup(plot_curves(curves, salt=salt)),  # matplotlib escapes its texts  # nosec B704
        description=f"{name}: {curves[0].y_label} over {curves[0].x_label}. {lines}.",
    )


def _galleries(report: Report) -> list[tuple[str, list[dict[str, Any]]]]:
    """The contact sheets under their headings, pictures made small, each picture once."""
    made: dict[bytes | None, str | None] = {}

    def uri(image: bytes | None) -> str | None:
        if image not in made:
            made[image] = thumbnail_uri(image)
        return made[image]

    by_kind: dict[str, list[dict[str, Any]]] = {}
    for gallery in report.galleries:
        cards = [{"card": card, "uri": uri(card.image)} for card in gallery.cards]
        by_kind.setdefault(gallery.kind, []).append({"title": gallery.title, "cards": cards})
    return [(GALLERY_HEADINGS.get(kind, kind.capitalize()), galleries) for kind, galleries in by_kind.items()]
