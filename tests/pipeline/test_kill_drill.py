"""A short form of `make drill`: a few moments of killing what writes a store or a model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DRILLS = Path(__file__).parents[2] / "benchmarks" / "drills"

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("job", ["replace", "update"])
def test_a_killed_command_is_mended_by_the_next(job: str) -> None:
    lines = drilled("kill_prepare.py", "--jobs", job, "--moments", "4", "--products", "8")
    assert sum(" killed " in line for line in lines) >= 2, lines  # not all of them too late


def test_killed_training_comes_to_the_same_model() -> None:
    lines = drilled("kill_train.py", "--kills", "4", "--signals", "0", "--steps", "30", "--products", "20")
    assert sum(" killed " in line for line in lines) >= 2, lines


def drilled(name: str, *options: str) -> list[str]:
    """What a drill says in which all is well."""
    words = [sys.executable, str(DRILLS / name), *options]
    answer = subprocess.run(words, capture_output=True, text=True, timeout=280, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    lines = answer.stdout.splitlines()
    assert lines[-1] == "all well"
    return lines
