"""Early warnings on drawn series: each fault is heard once, and healthy runs raise none."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from eclip.train.alarms import (
    CHANCE_STEPS,
    CLAMP_STEPS,
    COLLAPSE_STEPS,
    FEWEST_VALIDATED,
    SCALE_STEPS,
    Collapse,
    Overfitting,
    overfitted,
    usual_alarms,
)

STEPS = 400
SIDES = {"image": "pictures", "text": "titles"}
COLLAPSED = {"validation_image_cosine": 0.999, "validation_image_rank": 1.0, "share_done": 0.9}


def healthy(seed: int = 0, *, last: float = 1.0) -> Iterator[dict[str, float]]:
    """A noisy run whose losses fall from chance, with its gradients clipped in every step, as real ones have them."""
    draw = np.random.default_rng(seed)
    for step in range(STEPS):
        share = (step + 1) / STEPS
        level = last + (math.log(256) - last) * math.exp(-4 * share)
        loss = level + draw.normal(0, 0.08)
        figures = {"step": step, "loss": loss, "loss_above_floor": loss - 0.1, "batch_size": 256, "share_done": share}
        figures |= {"logit_scale": 14.3 + 5 * share, "grad_norm": 3 + draw.random(), "skipped": 0.0}
        if (step + 1) % 40 == 0:
            cosine = 0.2 + 0.7 * math.exp(-4 * share)
            figures |= {"validation_loss_above_floor": level + 0.5 + draw.normal(0, 0.01)}
            figures |= {f"validation_{side}_cosine": cosine for side in ("image", "text")}
            figures |= {f"validation_{side}_rank": 1.8 + 5 * share for side in ("image", "text")}
        yield figures


def heard(lines: Iterator[dict[str, float]]) -> list[str]:
    alarms = usual_alarms(warmup_share=0.05, chance_known=True, sides=SIDES)
    return [line for figures in lines for line in alarms.look(figures)]


@pytest.mark.parametrize("seed", range(10))
def test_a_healthy_run_raises_none(seed: int) -> None:
    assert heard(healthy(seed)) == []
    assert not overfitted(list(healthy(seed)))


def changed(**values: float) -> Iterator[dict[str, float]]:
    return ({**figures, **{n: v for n, v in values.items() if n in figures}} for figures in healthy())


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (changed(loss=math.log(256)), "stays at that of guessing"),
        (changed(validation_text_cosine=0.99), "features of titles have collapsed"),
        (changed(validation_image_rank=1.0), "features of pictures have collapsed"),
        (changed(logit_scale=100.0), "at its largest value"),
        (changed(skipped=1.0), "step 0 was skipped"),
    ],
)
def test_each_fault_is_heard_once(lines: Iterator[dict[str, float]], words: str) -> None:
    found = heard(lines)
    assert len(found) == 1
    assert words in found[0]


def test_a_rising_validation_is_overfitting_only_while_the_training_falls() -> None:
    def run(*, training_falls: bool) -> list[dict[str, float]]:
        lines = list(healthy())
        for number, line in enumerate(line for line in lines if "validation_loss_above_floor" in line):
            line["validation_loss_above_floor"] = 3.0 + 0.1 * abs(number - 4)
        return [{**line, "loss_above_floor": 2.0} for line in lines] if not training_falls else lines

    assert overfitted(run(training_falls=True))
    assert not overfitted(run(training_falls=False))


def test_a_short_spell_is_no_fault() -> None:
    lines = list(healthy())
    for line in lines[100 : 100 + CLAMP_STEPS - 1]:
        line["logit_scale"] = 100.0
    for line in lines[200 : 200 + CHANCE_STEPS // 2]:
        line["loss"] = math.log(256)
    assert heard(iter(lines)) == []


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
