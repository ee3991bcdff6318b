"""Checks of the fields of a configuration: one clear line for a value that can't be."""

from __future__ import annotations

import math
from typing import Any

from eclip.errors import ConfigError


def require_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """A field that takes one of a few words.

    Raises:
        ConfigError: It is none of them.
    """
    if value not in choices:
        raise ConfigError(f"{name} = {value!r}: expected one of {', '.join(choices)}")


def require_bool(name: str, value: object) -> None:
    """A field that is on or off.

    Raises:
        ConfigError: It is neither.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"{name} = {value!r}: expected true or false")


def require_whole(name: str, value: Any, *, least: int, most: int | None = None) -> None:
    """A field that counts something.

    Raises:
        ConfigError: It is no whole number, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        upto = "on" if most is None else f"to {most}"
        raise ConfigError(f"{name} = {value!r}: expected a whole number from {least} {upto}")


def require_positive(name: str, value: object) -> None:
    """A field that measures something that there is.

    Raises:
        ConfigError: It is no number above 0.
    """
    if not _is_number(value) or value <= 0:  # type: ignore[operator]
        raise ConfigError(f"{name} = {value!r}: expected a number above 0")


def require_at_least_zero(name: str, value: object) -> None:
    """A field that measures something that may be absent.

    Raises:
        ConfigError: It is no number, or below 0.
    """
    if not _is_number(value) or value < 0:  # type: ignore[operator]
        raise ConfigError(f"{name} = {value!r}: expected a number from 0 on")


def require_share(name: str, value: object, *, least_is_open: bool = False, most_is_open: bool = False) -> None:
    """A field that is a part of a whole: 0 to 1, each end left out where it is open.

    Raises:
        ConfigError: It is no such number.
    """
    low, high = "above 0" if least_is_open else "from 0", "below 1" if most_is_open else "1"
    fits = _is_number(value) and 0 <= value <= 1  # type: ignore[operator]
    if not fits or (least_is_open and value == 0) or (most_is_open and value == 1):
        raise ConfigError(f"{name} = {value!r}: expected a share {low} to {high}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
