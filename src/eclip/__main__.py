"""Where the command line begins: `eclip`, and `python -m eclip`, so that torchrun can start it."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130


def main() -> int:
    """Load the command line and run it; Ctrl-C counts from the first moment on."""
    try:
        from eclip.cli import main as run_command_line
    except KeyboardInterrupt:
        sys.stderr.write("eclip: interrupted\n")
        return INTERRUPTED
    status = run_command_line()
    if status == INTERRUPTED:  # threads of libraries that still work would abort the process on its orderly way out
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(main())
