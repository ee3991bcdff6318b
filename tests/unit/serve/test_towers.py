from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import fx, nn

from eclip.serve.towers import opening_model, running_towers


def test_no_forward_pass_runs_beside_a_trace():
    """Torch replaces what calling a module does while it traces: without the lock, the other threads' calls break."""
    tower = nn.Sequential(*(nn.Linear(4, 4) for _ in range(8)))
    rows, ends = torch.zeros(2, 4), time.monotonic() + 1
    faults = []

    def forward() -> None:
        while time.monotonic() < ends:
            try:
                with running_towers():
                    tower(rows)
            except Exception as fault:
                faults.append(fault)

    def trace() -> None:
        while time.monotonic() < ends:
            with opening_model():
                fx.symbolic_trace(nn.Sequential(*(nn.Linear(4, 4) for _ in range(8))))

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(work) for work in (forward, forward, trace)]:
            done.result()
    assert faults == []


def test_passes_run_beside_each_other():
    both = threading.Barrier(2, timeout=5)

    def forward() -> None:
        with running_towers():
            both.wait()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(forward) for _ in range(2)]:
            done.result()
