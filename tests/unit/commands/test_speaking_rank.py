"""Of the processes that torchrun starts the first one speaks; a fault is told by whoever meets it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from eclip import cli
from eclip.console import say
from eclip.errors import ConfigError


@dataclass(frozen=True)
class Summary:
    steps: int


def train(store: str, /) -> Summary:
    """Stand in for a training."""
    say("Training ...")
    if store == "gone":
        raise ConfigError("no such store")
    if store == "stopped":
        raise KeyboardInterrupt
    return Summary(7)


@pytest.fixture
def as_rank(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """Run the training as a rank of two (None: alone); returns its status and what it said."""
    monkeypatch.setitem(cli.COMMANDS, "train", train)

    def run(rank: str | None, store: str = "store") -> tuple[int, str]:
        for name, value in (("RANK", rank), ("WORLD_SIZE", rank and "2")):
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        status = cli.main(["train", store])
        return status, "".join(capfd.readouterr())

    return run


@pytest.mark.parametrize("rank", [None, "0"])
def test_the_first_speaks(as_rank, rank: str | None) -> None:
    status, said = as_rank(rank)
    assert status == 0
    assert "Training ..." in said
    assert "steps" in said


def test_others_are_silent(as_rank) -> None:
    assert as_rank("1") == (0, "")
    assert as_rank("1", "stopped") == (130, "")
    assert "interrupted" in as_rank("0", "stopped")[1]


def test_each_tells_its_fault(as_rank) -> None:
    assert as_rank("1", "gone") == (2, "eclip: no such store\n")


def test_a_variable_of_that_name_alone_silences_nobody(as_rank, monkeypatch: pytest.MonkeyPatch) -> None:
    as_rank(None)
    monkeypatch.setenv("RANK", "3")
    assert cli._is_follower() is False
