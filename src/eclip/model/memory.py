"""Memory that a process of many equal steps keeps, instead of handing it back and fetching it anew."""

from __future__ import annotations

import ctypes

# Names and numbers of glibc's mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_MMAP_THRESHOLD = 32 << 20  # bytes; glibc takes no more
_NEVER_TRIM = 2**31 - 1


def keep_freed_memory() -> None:
    """Let glibc keep blocks up to 32 MiB for the next step; elsewhere nothing happens.

    By default freed blocks go back to the system and each layer of each step has its pages mapped and zeroed
    anew: on two cores that cost a quarter of the time of encoding pictures.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # no glibc: musl, macOS, Windows
        return
    mallopt(_M_TRIM_THRESHOLD, _NEVER_TRIM)
    mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
