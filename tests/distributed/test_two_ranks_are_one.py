"""Two ranks against one process: loss, every gradient, the logit scale, and the weights after the step."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

SCRIPT = Path(__file__).with_name("one_step.py")

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("chunk_size", "loss", "views"),
    [
        (12, "softmax", "pairs"),
        (2, "softmax", "pairs"),
        (2, "sigmoid", "pairs"),
        (2, "softmax", "several"),
        (2, "sigmoid", "several"),
    ],
)
def test_two_ranks_equal_one_process(
    tmp_path: Path,
    two_ranks: Callable[[Path, Sequence[str]], list[tuple[int, str]]],
    chunk_size: int,
    loss: str,
    views: str,
) -> None:
    arguments = [str(tmp_path), str(chunk_size), loss, views]
    subprocess.run([sys.executable, str(SCRIPT), *arguments], check=True, timeout=240)
    for status, said in two_ranks(SCRIPT, arguments):
        assert status == 0, said
    alone = load_file(tmp_path / "1-0.safetensors")
    for rank in (0, 1):
        together = load_file(tmp_path / f"2-{rank}.safetensors")
        assert together.keys() == alone.keys()
        assert "gradient.logit_scale" in alone
        assert ("gradient.logit_bias" in alone) == (loss == "sigmoid")
        for name, value in alone.items():
            torch.testing.assert_close(together[name], value, rtol=1e-8, atol=1e-10, msg=lambda m, n=name: f"{n}: {m}")
