"""What every test run needs before anything is imported."""

from __future__ import annotations

import os

# As the command line does: threads that wait by spinning stall a machine that does anything else beside.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
