"""Which backend is quickest here: a trial of some seconds on this machine, remembered for this model and machine.

Each tower is tried alone, as the two may do best on different engines. What counts is processor time a listing: every
backend here runs one thread a chunk, and the clock would tell what else the machine does. A backend that does not agree
with torch, or can't run the tower, takes no part.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from eclip.console import say
from eclip.errors import EclipError
from eclip.export.graphs import Modality
from eclip.inference.backends import BACKENDS, TORCH, Backend, is_installed, multiplies_bfloat16

if TYPE_CHECKING:
    from eclip.inference.engines import Engine
    from eclip.inference.workshop import Workshop

# Making the graphs takes half a minute, and a better backend saves 1 to 4 ms a listing: below this it does not pay.
TRIAL_PAYS_FROM = 20_000
_ROUNDS = 3
_WORTH_IT = 0.9  # of the time of one that is nearer to torch: for less it is not given up
_THINGS = {"image": "pictures", "text": "titles"}
CHOICE = "choice"


def best_backends(workshop: Workshop, *, num_rows: int | None) -> dict[Modality, Backend]:
    """The backend for each tower; torch where no trial was made and none would pay."""
    if workshop.encoder.path is None or not workshop.encoder.digest:
        return {}
    remembered = workshop.kept.told(workshop.threads).get(CHOICE, {})
    if set(remembered) >= set(workshop.modalities) and all(_is_usable(name) for name in remembered.values()):
        chosen = {modality: BACKENDS[remembered[modality]] for modality in workshop.modalities}
        say(f"backend: {_told(chosen)} (by the trial on this machine)")
        return chosen
    others = [each for each in candidates(workshop, "image") + candidates(workshop, "text") if each is not TORCH]
    if not others:
        return {}
    if num_rows is None or num_rows < TRIAL_PAYS_FROM:
        return {}
    found = {modality: _tried(workshop, modality) for modality in workshop.modalities}
    chosen = {modality: fastest(costs) for modality, costs in found.items()}
    for modality, costs in found.items():
        figures = ", ".join(f"{backend.name} {cost:.2f}" for backend, cost in sorted(costs.items(), key=lambda x: x[1]))
        say(f"backend for {_THINGS[modality]}: {chosen[modality].name} (processor ms each: {figures})")
    facts: dict[str, Any] = {
        CHOICE: {modality: backend.name for modality, backend in chosen.items()},
        "milliseconds": {m: {b.name: round(cost, 3) for b, cost in costs.items()} for m, costs in found.items()},
    }
    workshop.kept.tell(workshop.threads, **facts)
    return chosen


def candidates(workshop: Workshop, modality: Modality) -> list[Backend]:
    """What is worth trying, nearest to torch first; int8 where its graph was made before."""
    found = [TORCH]
    for name in ("onnx", "openvino", "torch-bf16", "openvino-bf16", "openvino-int8", "onnx-int8"):
        backend = BACKENDS[name]
        if not is_installed(backend) or (backend.precision == "bfloat16" and not multiplies_bfloat16()):
            continue
        if backend.precision == "int8" and not workshop.kept.graph(modality, "int8").is_file():
            continue
        found.append(backend)
    return found


def fastest(costs: dict[Backend, float]) -> Backend:
    """The least cost; a backend nearer to torch, which comes first, is given up for a clear gain only."""
    best, least = TORCH, costs[TORCH]
    for backend, cost in costs.items():
        if cost < _WORTH_IT * least:
            best, least = backend, cost
    return best


def _tried(workshop: Workshop, modality: Modality) -> dict[Backend, float]:
    """Processor milliseconds that one picture or title costs, by backend."""
    costs = {}
    for backend in candidates(workshop, modality):
        try:
            engine = workshop.engine(modality, backend)
            if backend is not TORCH:
                found = workshop.agreement_of(modality, backend, engine)
                if not found.holds:
                    say(f"{backend.name} is left out for {_THINGS[modality]}: {found}, expected {found.demand}")
                    continue
            costs[backend] = _cost(workshop, modality, engine)
        except EclipError as fault:
            say(f"{backend.name} is left out for {_THINGS[modality]}: {fault}")
    return costs


def _cost(workshop: Workshop, modality: Modality, engine: Engine) -> float:
    import torch

    batches, threads = workshop.batches(modality), torch.get_num_threads()
    torch.set_num_threads(1)  # as it will be in each thread of the pool
    try:
        spent = []
        for _ in range(_ROUNDS):
            started = time.process_time()
            for batch in batches:
                engine(batch)
            spent.append(time.process_time() - started)
    finally:
        torch.set_num_threads(threads)
    return min(spent) / sum(len(batch) for batch in batches) * 1e3


def _is_usable(name: str) -> bool:
    return name in BACKENDS and is_installed(BACKENDS[name])


def _told(chosen: dict[Modality, Backend]) -> str:
    return ", ".join(f"{backend.name} for {_THINGS[modality]}" for modality, backend in chosen.items())
