"""Compiling number loops with numba, with a cache on disk where there is a place for one.

Modules of loops (`*_loops.py`) import this one; they are themselves imported inside functions, so that numba
costs nothing where nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit, types
from numba.extending import intrinsic


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as machine code; compiled once a machine, or once a process where no cache can be written."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return njit(nogil=True)(function)


@intrinsic
def count_bits(typing_context: Any, word: Any) -> Any:  # noqa: ARG001 - numba's signature
    """Bits set in a 64-bit word: the processor's own instruction."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate
