"""A report as programs read it: `report.json`, and beside it the draws that two reports are compared by."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from eclip.errors import ConfigError
from eclip.files import replace_file_by_library, write_text
from eclip.schema import REPORT_DATA, REPORT_DRAWS, REPORT_VERSION
from eclip.tasks.evaluation.verdicts import Comparison, compare_all
from eclip.tasks.results import Curve, Report, Result, Skipped

_DRAWS = "draws"  # [R, B] float32 of the results in their order; NaN where there are none


def write_report_data(report: Report, out: Path) -> None:
    """Write `out`/report.json, and the draws of its results if they have any, each aside and then renamed."""
    content = report_content(report)
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    _write_draws(report.results, _fingerprint(content["results"]), out / REPORT_DRAWS)
    write_text(out / REPORT_DATA, text + "\n")


def report_content(report: Report) -> dict[str, Any]:
    """The whole report but its pictures and draws, as JSON holds it; a number that is not finite becomes null."""
    content: dict[str, Any] = {
        "version": REPORT_VERSION,
        "facts": dict(report.facts),
        "results": [dataclasses.asdict(dataclasses.replace(result, draws=None)) for result in report.results],
        "comparisons": [_verdict(each) for each in compare_all(report.results)],
        "curves": [dataclasses.asdict(curve) for curve in report.curves],
        "galleries": [
            {
                "kind": gallery.kind,
                "title": gallery.title,
                "cards": [
                    {"product_id": card.product_id, "title": card.title, "note": card.note} for card in gallery.cards
                ],
            }
            for gallery in report.galleries
        ],
        "skipped": [dataclasses.asdict(skipped) for skipped in report.skipped],
    }
    for result in content["results"]:
        del result["draws"]
    return _finite(content)


def read_report(path: Path) -> Report:
    """Read a report's results, curves, facts and what was skipped; galleries lack their pictures and stay out.

    Args:
        path: The report's folder, or its report.json.

    Raises:
        ConfigError: There is no report, or none of this version.
    """
    file = path / REPORT_DATA if path.is_dir() else path
    if not file.is_file():
        raise ConfigError(f"{path}: holds no {REPORT_DATA}; name a folder that `eclip evaluate` wrote, or that file")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["version"] != REPORT_VERSION:
            raise ConfigError(
                f"{file}: is a report of version {content['version']}, expected {REPORT_VERSION}; evaluate again"
            )
        results = [_result(each) for each in content["results"]]
        report = Report(
            results=_with_draws(results, _fingerprint(content["results"]), file.parent / REPORT_DRAWS),
            curves=[Curve(**each) for each in content["curves"]],
            skipped=[Skipped(**each) for each in content["skipped"]],
            facts=dict(content["facts"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{file}: is no report of `eclip evaluate` ({error}); name a folder that it wrote") from error
    return report


def _verdict(comparison: Comparison) -> dict[str, Any]:
    """Who wins a row of a table, as the page says it."""
    best = {"eclip": comparison.ours, "baseline": comparison.baseline}
    sides = {
        side: {"method": result.method, "modality": result.modality, "value": result.value} if result else None
        for side, result in best.items()
    }
    return {
        "task": comparison.task,
        "target": comparison.target,
        "metric": comparison.metric,
        **sides,
        "status": comparison.status,
        "p_value": comparison.p_value,
        "may_be_chance": comparison.may_be_chance,
    }


def _result(content: dict[str, Any]) -> Result:
    value = content["value"]
    return Result(**{**content, "value": math.nan if value is None else float(value)})


def _write_draws(results: list[Result], fingerprint: str, path: Path) -> None:
    from safetensors.numpy import save_file

    longest = max((len(result.draws) for result in results if result.draws is not None), default=0)
    if not longest:
        path.unlink(missing_ok=True)
        return
    draws = np.full((len(results), longest), np.nan, dtype=np.float32)
    for row, result in enumerate(results):
        if result.draws is not None:
            draws[row, : len(result.draws)] = result.draws
    with replace_file_by_library(path) as aside:
        save_file({_DRAWS: draws}, str(aside), metadata={"results": fingerprint})


def _with_draws(results: list[Result], fingerprint: str, path: Path) -> list[Result]:
    """The results with their draws, where those of this very report lie there."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            if (file.metadata() or {}).get("results") != fingerprint:
                return results
            draws = file.get_tensor(_DRAWS)
    except (OSError, SafetensorError):
        return results  # without them a comparison knows intervals only
    return [
        dataclasses.replace(result, draws=row.astype(np.float64) if np.isfinite(row).any() else None)
        for result, row in zip(results, draws, strict=True)
    ]


def _fingerprint(results: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(results, sort_keys=True).encode()).hexdigest()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value
