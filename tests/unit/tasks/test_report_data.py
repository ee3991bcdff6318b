"""A report on disk: read back as it was, and refused in one line where it is none."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from eclip.errors import ConfigError
from eclip.schema import REPORT_DATA, REPORT_DRAWS
from eclip.tasks.evaluation.report import write_report
from eclip.tasks.evaluation.report_data import read_report
from eclip.tasks.results import Report, Result, Skipped


def result(value=0.8, draws=None, **other) -> Result:
    fields = {"task": "category", "target": "leaf", "metric": "accuracy", "modality": "both", "method": "eclip"}
    return Result(**(fields | {"support": 100} | other), value=value, draws=draws)


def test_results_and_their_draws_come_back(tmp_path):
    draws = np.linspace(0.7, 0.9, 50)
    report = Report(
        results=[result(draws=draws, low=0.7, high=0.9), result(0.5, method="tf-idf"), result(math.nan)],
        skipped=[Skipped(task="adult", reason="no labels")],
        facts={"store": "mine"},
    )
    write_report(report, tmp_path)
    for place in (tmp_path, tmp_path / REPORT_DATA):
        found = read_report(place)
        assert found.results[:2] == report.results[:2]
        assert math.isnan(found.results[2].value)
        assert found.results[0].draws == pytest.approx(draws, abs=1e-6)
        assert found.results[1].draws is None
        assert (found.skipped, found.facts) == (report.skipped, report.facts)
    assert "draws" not in json.loads((tmp_path / REPORT_DATA).read_text())["results"][0]


def test_draws_of_another_report_are_not_taken(tmp_path):
    write_report(Report(results=[result(draws=np.ones(9))]), tmp_path)
    other = tmp_path / "other"
    write_report(Report(results=[result(0.7, draws=np.zeros(9))]), other)
    (tmp_path / REPORT_DRAWS).replace(other / REPORT_DRAWS)
    assert read_report(other).results[0].draws is None
    write_report(Report(results=[replace(result(), low=0.1)]), other)
    assert not (other / REPORT_DRAWS).exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "holds no report.json"),
        ("{", "is no report"),
        ("[]", "is no report"),
        ('{"version": 1}', "is no report"),
        ('{"version": 99, "results": []}', "version 99, expected 1"),
        ('{"version": 1, "facts": {}, "curves": [], "skipped": [], "results": [{"value": 1}]}', "is no report"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(tmp_path, text, words):
    if text is not None:
        (tmp_path / REPORT_DATA).write_text(text)
    with pytest.raises(ConfigError, match=words) as refused:
        read_report(tmp_path)
    assert "\n" not in str(refused.value)
    with pytest.raises(ConfigError, match="holds no report"):
        read_report(tmp_path / "nowhere")
