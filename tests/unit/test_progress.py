"""Progress lines: what a log keeps of a stage."""

from __future__ import annotations

import io
import time

from rich.console import Console

from eclip import progress
from eclip.progress import stage


def test_a_log_counts_what_this_run_did(capsys):
    with stage("Reading", 10, unit="pairs", done_before=6) as advance:
        advance(4)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Reading ..."
    assert lines[1].startswith("Reading: 4 pairs in ")


def test_a_bar_starts_where_an_earlier_run_stopped(monkeypatch):
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=120)
    monkeypatch.setattr(progress, "Console", lambda **_: console)
    with stage("Reading", 10, done_before=6) as advance:
        advance(1)
        advance(2, total=12)
    assert "9/9" in drawn.getvalue()  # ended early: what was done is all there was


def test_remaining_time_is_told_while_the_total_is_corrected(monkeypatch):
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=120)
    monkeypatch.setattr(progress, "Console", lambda **_: console)
    with stage("Reading", 10_000) as advance:
        for number in range(6):
            advance(1, total=10_000 + number)
            time.sleep(0.15)
    last = drawn.getvalue().split("\r")[-2]
    assert "/10005" in last
    assert "-:--:--" not in last
