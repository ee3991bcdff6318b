"""Command lines as a user runs them, and what they leave."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """What a command line left: exit status and both streams."""

    status: int
    out: str
    err: str

    @property
    def faults(self) -> list[str]:
        """The lines that say what went wrong."""
        return [line for line in self.err.splitlines() if line.startswith("eclip: ")]

    def assert_fault(self, *words: str, status: int = 2) -> None:
        """One clear line at the end of stderr, with these words; no traceback."""
        assert self.status == status, self
        assert "Traceback" not in self.err, self.err
        assert len(self.faults) == 1, self.err
        assert self.err.splitlines()[-1] == self.faults[0], self.err
        assert len(self.faults[0]) < 400
        for word in words:
            assert word in self.faults[0], self.faults[0]


def eclip(*arguments: object) -> Outcome:
    """Run a command line in this process: nothing heavy is loaded twice."""
    from eclip.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exit_:  # the parser's own way to end
            status = exit_.code or 0
    return Outcome(status, out.getvalue(), err.getvalue())


def done(*arguments: object) -> Outcome:
    """Run a command line that must succeed."""
    outcome = eclip(*arguments)
    assert outcome.status == 0, outcome
    return outcome


def start(*arguments: object, first: str = "") -> subprocess.Popen[str]:
    """Start a command line in a process of its own, after some Python lines that prepare it.

    It takes as many threads as this process: sums over another number of them differ in their last bits.
    """
    import torch

    words = [str(argument) for argument in arguments]
    script = textwrap.dedent(first) + f"\nimport sys\nfrom eclip.__main__ import main\nsys.argv[1:] = {words!r}\n"
    return subprocess.Popen(
        [sys.executable, "-c", script + "sys.exit(main())"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
    )


def run_alone(*arguments: object, first: str = "") -> Outcome:
    """Run a command line in a process of its own."""
    with start(*arguments, first=first) as process:
        out, err = process.communicate(timeout=120)
    return Outcome(process.returncode, out, err)


@dataclass(frozen=True)
class Result:
    """What the main job made of the small shop."""

    folder: Path
    shop: Path
    recipe: Path
    first: Outcome

    @property
    def feed(self) -> Path:
        return self.shop / "feed.csv"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def run(self, out: Path, *more: object) -> Outcome:
        """The main job again, with the same settings."""
        return eclip("run", self.feed, "--out", out, "--recipe", self.recipe, *more)
