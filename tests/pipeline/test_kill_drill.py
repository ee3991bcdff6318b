"""A short form of `make drills`: a few moments of killing what writes a store or a model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kill-replace", "kill-update", "kill-train"])
def test_what_is_killed_is_mended_by_the_next(name: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "benchmarks.drills", name, "--small", "--out", str(tmp_path / "out")]
    answer = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, timeout=280, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    outcomes = json.loads((tmp_path / "out" / "drills.json").read_text())
    assert sum(outcome["kills"] for outcome in outcomes) >= 2, answer.stdout  # not all of them too late
