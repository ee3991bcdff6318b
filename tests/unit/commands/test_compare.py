"""`eclip compare` on reports at hand, and on what is none."""

from __future__ import annotations

import numpy as np
import pytest

from eclip.commands.compare import compare
from eclip.commands.show import show
from eclip.errors import ConfigError
from eclip.tasks.evaluation.report import write_report
from eclip.tasks.results import Report, Result


def report(folder, value):
    shuffled = np.random.default_rng(0)
    result = Result(
        task="category", target="leaf", metric="accuracy", modality="both", method="eclip", value=value, support=100,
        low=value - 0.1, high=value + 0.1, draws=value + 0.02 * shuffled.normal(size=500),
    )  # fmt: skip
    write_report(Report(results=[result], facts={"store": "s"}), folder)
    return folder


def test_two_reports_by_folder_or_file(tmp_path, capsys):
    first, second = report(tmp_path / "1", 0.8), report(tmp_path / "2", 0.7)
    found = compare(first, second / "report.json", out=tmp_path / "out")
    assert [each.status for each in found.differences] == ["worse"]
    show(found)
    said = capsys.readouterr().out
    assert "worse" in said
    assert "-0.100" in said
    again = compare(second, first, out=tmp_path / "out")  # its own folder may be written again
    assert [each.status for each in again.differences] == ["better"]


def test_what_can_not_be_compared_is_said_in_one_line(tmp_path):
    first = report(tmp_path / "1", 0.8)
    with pytest.raises(ConfigError, match="holds no report"):
        compare(first, tmp_path / "nowhere", out=tmp_path / "out")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "eclip.json").write_text("{}")
    with pytest.raises(ConfigError, match="is a model; to compare models"):
        compare(first, tmp_path / "model", out=tmp_path / "out")
    with pytest.raises(ConfigError, match="is a report"):
        compare(first, first, out=tmp_path / "out", store=tmp_path / "store")
    with pytest.raises(ConfigError, match="eclip did not write"):
        compare(first, first, out=first)
