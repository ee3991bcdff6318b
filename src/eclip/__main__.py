"""`python -m eclip`, so that torchrun can start it."""

from __future__ import annotations

import sys

from eclip.cli import main

if __name__ == "__main__":
    sys.exit(main())
