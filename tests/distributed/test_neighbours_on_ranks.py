"""Neighbourhoods on two ranks: what one process would have found, on both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("neighbours_on_ranks.py")


@pytest.mark.slow
def test_two_ranks_share_the_neighbours_of_one_process(
    tmp_path: Path, two_ranks: Callable[[Path, Sequence[str]], list[tuple[int, str]]]
) -> None:
    for status, said in two_ranks(SCRIPT, [str(tmp_path)]):
        assert status == 0, said
    assert [path.name for path in tmp_path.iterdir()] == ["neighbours-0001.safetensors"]
