"""Early warnings on drawn series: each fault is heard once, and healthy runs raise none."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from eclip.train.alarms import CHANCE_STEPS, CLAMP_STEPS, overfitted, usual_alarms

STEPS = 400


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
    sides = {"image": "pictures", "text": "titles"}
    alarms = usual_alarms(warmup_share=0.05, chance_known=True, sides=sides, scaled=False)
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
