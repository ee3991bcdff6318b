"""Where the command line begins: `eclip`, and `python -m eclip`, so that torchrun can start it."""

from __future__ import annotations

import sys


def main() -> int:
    """Load the command line and run it; Ctrl-C counts from the first moment on."""
    try:
        from eclip.cli import main as run_command_line
    except KeyboardInterrupt:
        sys.stderr.write("eclip: interrupted\n")
        return 130
    return run_command_line()


if __name__ == "__main__":
    sys.exit(main())
