"""Warnings of a run: heard where something is wrong, not in a healthy or a very short one."""

from __future__ import annotations

import math

import pytest

from eclip.train.alarms import COLLAPSE_STEPS, FEWEST_VALIDATED, SCALE_STEPS, Collapse, Overfitting, usual_alarms

SIDES = {"image": "pictures", "text": "titles"}
COLLAPSED = {"validation_image_cosine": 0.999, "validation_image_rank": 1.0, "share_done": 0.9}


def rising(pairs: int) -> list[dict[str, float]]:
    """Validations of a run whose training loss falls while its validation loss rises."""
    return [
        {"loss_above_floor": 2.0 / step, "validation_loss_above_floor": 1.0 + 0.2 * step, "validation_pairs": pairs}
        for step in range(1, 6)
    ]


def test_a_run_too_short_to_part_its_features_is_not_called_collapsed() -> None:
    detector = Collapse(SIDES)
    assert [detector.look(COLLAPSED) for _ in range(COLLAPSE_STEPS - 1)] == [None] * (COLLAPSE_STEPS - 1)
    assert "features of pictures have collapsed" in str(detector.look(COLLAPSED))


def test_a_collapse_is_told_by_what_stood_there() -> None:
    detector = Collapse({"image": "titles of mates", "text": "titles"}, steps=COLLAPSE_STEPS)
    assert "features of titles of mates have collapsed" in str(detector.look(COLLAPSED))


@pytest.mark.parametrize(("pairs", "heard"), [(FEWEST_VALIDATED - 1, False), (FEWEST_VALIDATED, True)])
def test_overfitting_is_not_read_from_a_handful_of_pairs(pairs: int, *, heard: bool) -> None:
    detector = Overfitting()
    assert any(detector.look(line) for line in rising(pairs)) == heard


@pytest.mark.parametrize(("scaled", "heard_at"), [(False, 0), (True, SCALE_STEPS)])
def test_steps_that_find_a_loss_scale_are_no_fault(*, scaled: bool, heard_at: int) -> None:
    alarms = usual_alarms(warmup_share=0.05, chance_known=True, sides=SIDES, scaled=scaled)
    heard = [bool(alarms.look({"step": step, "skipped": 1.0})) for step in range(10)]
    assert heard == [step == heard_at for step in range(10)]


@pytest.mark.parametrize("chance_known", [True, False])
def test_only_a_loss_whose_chance_is_known_is_stuck_there(*, chance_known: bool) -> None:
    alarms = usual_alarms(warmup_share=0.05, chance_known=chance_known, sides=SIDES)
    stuck = {"loss": math.log(64), "batch_size": 64, "share_done": 0.5, "logit_scale": 14.0}
    heard = [line for _ in range(150) for line in alarms.look(stuck)]
    assert [line.split(":")[0][:35] for line in heard] == ["the loss stays at that of guessing,"] * chance_known
