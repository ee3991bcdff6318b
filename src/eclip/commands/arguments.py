"""The arguments that several commands share: their names on the command line and their checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from eclip.errors import ConfigError

FeedArgument = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FEED")]
StoreArgument = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="STORE")]
SourceArgument = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="SOURCE")]
OutArgument = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
TextArgument = Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="TEXT")]


def require_positive(name: str, value: float | None) -> None:
    """Refuse a number that is not above 0; None passes.

    Raises:
        ConfigError: It is 0 or below.
    """
    if value is not None and not value > 0:
        raise ConfigError(f"--{name.replace('_', '-')} {value:g}: expected a number above 0")
