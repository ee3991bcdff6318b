"""eclip: a vision-language model of a shop's own catalogue."""

from __future__ import annotations

from eclip.version import __version__

__all__ = ["__version__"]
