"""One temperature a head and modality, so that answers are right as often as they say.

A softmax that was fitted to few rows of a class is too sure of itself, and the mix of two experts is of no
scale at all. Dividing all logits by one number T, fitted on validation rows, mends both and changes no
ranking (Guo et al., 2017: On calibration of modern neural networks). As softmax(z / T) is p^(1/T) up to its
sum, it is fitted on and applied to final answers, whatever made them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from eclip.errors import ModelError
from eclip.tasks.heads.softmax import softmax

CALIBRATION_FILE = "calibration.json"
MIN_ROWS = 50  # labelled validation rows below which an answer stays as it is
COLDEST, HOTTEST = 0.2, 5.0
TINY = 1e-30  # float32 holds it; a chance of 0 would stay 0 at every temperature
_GOLDEN = (5**0.5 - 1) / 2
_STEPS = 30  # of golden section: the logarithm of T to 2e-6

Temperatures = dict[str, dict[str, float]]  # modality -> head's name -> T


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Class probabilities [n, C] with their logits divided by a temperature; untouched at 1."""
    if temperature == 1.0:
        return probabilities
    logs = np.log(np.maximum(probabilities, TINY)) / temperature
    return softmax(logs)


def fit_temperature(probabilities: np.ndarray, codes: np.ndarray) -> float:
    """The temperature with the least log loss over validation rows.

    The loss is convex in 1/T, so it has one valley, and a golden section over ln T finds it.

    Args:
        probabilities: [n, C] of a head.
        codes: True class [n]; -1 = unknown, left out.

    Returns:
        Between `COLDEST` and `HOTTEST`; 1 for fewer than `MIN_ROWS` rows.
    """
    known = np.flatnonzero(codes >= 0)
    if len(known) < MIN_ROWS:
        return 1.0
    logs = np.log(np.maximum(probabilities[known].astype(np.float64), TINY))
    true = codes[known]

    def loss(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        top = scaled.max(axis=1)
        sums = np.log(np.exp(scaled - top[:, None]).sum(axis=1)) + top
        return float(np.mean(sums - scaled[np.arange(len(true)), true]))

    low, high = np.log(COLDEST), np.log(HOTTEST)
    inner = [high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)]
    losses = [loss(inner[0]), loss(inner[1])]
    for _ in range(_STEPS):
        if losses[0] <= losses[1]:
            high, inner[1], losses[1] = inner[1], inner[0], losses[0]
            inner[0] = high - _GOLDEN * (high - low)
            losses[0] = loss(inner[0])
        else:
            low, inner[0], losses[0] = inner[0], inner[1], losses[1]
            inner[1] = low + _GOLDEN * (high - low)
            losses[1] = loss(inner[1])
    return round(float(np.exp((low + high) / 2)), 4)


def write_temperatures(folder: Path, temperatures: Temperatures) -> None:
    """Write them beside the heads."""
    text = json.dumps(temperatures, ensure_ascii=False, indent=1)
    (folder / CALIBRATION_FILE).write_text(text + "\n", encoding="utf-8")


def read_temperatures(folder: Path) -> Temperatures:
    """Read what `write_temperatures` wrote; nothing where nothing is.

    Raises:
        ModelError: The file is damaged.
    """
    path = folder / CALIBRATION_FILE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {m: {name: float(t) for name, t in group.items()} for m, group in content.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ModelError(f"{path} is damaged ({error}); run `eclip fit` again") from error
