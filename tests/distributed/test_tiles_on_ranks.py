"""Tiled losses on two ranks against whole matrices: every target, both losses, any tile size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("tiles_on_ranks.py")


@pytest.mark.slow
def test_tiles_on_two_ranks_equal_whole_matrices(
    two_ranks: Callable[[Path, Sequence[str]], list[tuple[int, str]]],
) -> None:
    for status, said in two_ranks(SCRIPT, []):
        assert status == 0, said
