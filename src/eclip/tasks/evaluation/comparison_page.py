"""A comparison of two reports as HTML for people and JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from eclip.files import write_text
from eclip.schema import COMPARISON_DATA, COMPARISON_PAGE
from eclip.tasks.evaluation.comparison import Difference, ReportComparison
from eclip.tasks.evaluation.report_metrics import explain_metric, format_value
from eclip.tasks.evaluation.verdicts import method_name, modality_name, written_p_value


def write_comparison(comparison: ReportComparison, names: tuple[str, str], out: Path) -> Path:
    """Write `out`/comparison.html and `out`/comparison.json, each aside and then renamed.

    Args:
        comparison: Of two reports.
        names: How the page calls them.
        out: Folder.

    Returns:
        The path of the HTML file.
    """
    content = json.dumps(comparison_content(comparison, names), ensure_ascii=False, indent=1, allow_nan=False)
    write_text(out / COMPARISON_DATA, content + "\n")
    write_text(out / COMPARISON_PAGE, render_comparison(comparison, names))
    return out / COMPARISON_PAGE


def comparison_content(comparison: ReportComparison, names: tuple[str, str]) -> dict[str, Any]:
    """The whole comparison as JSON holds it."""
    return {
        "first": names[0],
        "second": names[1],
        "only_first": comparison.num_only_first,
        "only_second": comparison.num_only_second,
        "remarks": comparison.remarks,
        "differences": [
            {
                **{key: getattr(each.first, key) for key in ("task", "target", "metric", "modality", "method")},
                "first": each.first.value,
                "second": each.second.value,
                **{
                    f.name: getattr(each, f.name) for f in dataclasses.fields(each) if f.name not in ("first", "second")
                },
            }
            for each in comparison.differences
        ],
    }


def render_comparison(comparison: ReportComparison, names: tuple[str, str]) -> str:
    """The HTML page as text."""
    environment = Environment(
        loader=PackageLoader("eclip.tasks.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        format_value=format_value,
        format_difference=format_difference,
        method_name=method_name,
        modality_name=modality_name,
        written_p_value=written_p_value,
    )
    style = (files("eclip.tasks.evaluation") / "templates" / "report.css").read_text(encoding="utf-8")
    return environment.get_template("comparison.html").render(
        comparison=comparison,
        first=names[0],
        second=names[1],
        style=Markup(style),  # nosec B704
    )


def format_difference(each: Difference) -> tuple[str, str]:
    """A difference and its interval as text; shares in points."""
    scale, digits = (100, 1) if explain_metric(each.first.metric).is_share else (1, 3)

    def signed(value: float) -> str:
        return f"{scale * value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")

    interval = "" if each.low is None or each.high is None else f"{signed(each.low)} to {signed(each.high)}"
    return signed(each.difference), interval
