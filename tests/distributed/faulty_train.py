"""`eclip train`, but one rank meets its end, or hangs, before a step: python faulty_train.py FAULT RANK STEP WORDS...

A torchrun that starts it again has no fault the second time.
"""

from __future__ import annotations

import os
import signal
import sys

from eclip.cli import main
from eclip.train.loop import TrainingLoop

FAULTS = {"dies": signal.SIGKILL, "hangs": signal.SIGSTOP}


def break_down(fault: str, rank: str, step: int) -> None:
    """Send this process the fault's signal before a step, when it is that rank."""
    real = TrainingLoop._step

    def until(self: TrainingLoop, *arguments: object) -> dict[str, float]:
        if self.progress.step == step and os.environ.get("RANK") == rank:
            os.kill(os.getpid(), FAULTS[fault])
        return real(self, *arguments)  # type: ignore[arg-type]

    TrainingLoop._step = until  # type: ignore[method-assign]


if __name__ == "__main__":
    if os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0":
        break_down(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    sys.exit(main(sys.argv[4:]))
