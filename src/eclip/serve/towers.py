"""Who may run a model's towers: any number of threads, but none while another model is being opened.

Opening one traces its towers, and while torch traces, it replaces what calling a module does in the whole process: a
forward pass in any other thread would end in a fault.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_changed = threading.Condition()
_num_running = 0
_opening = threading.Lock()


@contextmanager
def running_towers() -> Iterator[None]:
    """A forward pass; waits while a model is being opened."""
    global _num_running  # what torch replaces is the process's, and so is this
    with _opening, _changed:
        _num_running += 1
    try:
        yield
    finally:
        with _changed:
            _num_running -= 1
            _changed.notify_all()


@contextmanager
def opening_model() -> Iterator[None]:
    """A model being opened; waits for the forward passes under way."""
    with _opening:
        with _changed:
            _changed.wait_for(lambda: _num_running == 0)
        yield
