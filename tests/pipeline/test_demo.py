"""`eclip demo`, small: from nothing to a report, and nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclip.commands import demo as command
from eclip.commands.run import Stages
from eclip.schema import REPORT_PAGE

pytestmark = pytest.mark.slow


def test_the_demo_runs_from_nothing_and_goes_on_from_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "TRAINING_MINUTES", 0.02)
    summary = command.demo(out=tmp_path / "demo", products=60, no_serve=True)
    assert summary is not None
    assert (tmp_path / "demo" / "report" / REPORT_PAGE).is_file()
    assert {result.task for result in summary.evaluation.results} >= {"category", "matching", "retrieval"}
    done: list[str] = []
    real = Stages.do

    def watched(self, name, inputs, outputs, work):  # type: ignore[no-untyped-def]
        return real(self, name, inputs, outputs, lambda: (done.append(name), work()))

    monkeypatch.setattr(Stages, "do", watched)
    assert command.demo(out=tmp_path / "demo", products=60, no_serve=True) == summary
    assert done == []
