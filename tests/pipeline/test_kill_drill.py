"""A short form of `make drill`: a few moments of killing what writes a store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DRILL = Path(__file__).parents[2] / "benchmarks" / "drills" / "kill_prepare.py"


@pytest.mark.slow
@pytest.mark.parametrize("job", ["replace", "update"])
def test_a_killed_command_is_mended_by_the_next(job: str) -> None:
    words = [sys.executable, str(DRILL), "--jobs", job, "--moments", "4", "--products", "8"]
    answer = subprocess.run(words, capture_output=True, text=True, timeout=280, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    lines = answer.stdout.splitlines()
    assert lines[-1] == "all well"
    assert sum(" killed " in line for line in lines) >= 2, lines  # not all of them too late
