"""One writer a store: a second one is told so, instead of undoing what the first is about to finish."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from eclip.errors import StoreError
from eclip.schema import STORE_LOCK


@contextmanager
def only_writer(store: Path) -> Iterator[None]:
    """Hold the right to change a store's folder; it ends with the process, however that ends.

    Raises:
        StoreError: Another process holds it.
    """
    lock = FileLock(store / STORE_LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise StoreError(f"{store}: another eclip is writing this store; wait until it is done") from None
    try:
        yield
    finally:
        lock.release()
