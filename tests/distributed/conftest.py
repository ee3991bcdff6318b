"""Two processes on this machine that train together, with a bound on everything they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from ranked import finish, start_ranks


@pytest.fixture
def two_ranks() -> Callable[[Path, Sequence[str]], list[tuple[int, str]]]:
    """Run a script on two ranks to its end; status and output of each."""

    def run(script: Path, arguments: Sequence[str]) -> list[tuple[int, str]]:
        return finish(start_ranks([str(script), *arguments], 2))

    return run
