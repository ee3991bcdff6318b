"""One writer at a time where there are no file locks: an object that its holder renews.

It is made only where it is absent, and renewed and taken over only as it was last seen, which the server decides
(conditional writes). Nobody's clock is compared with another's: whoever finds it watches it for as long as a
holder may be silent, and takes it over if it has not changed by then.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from eclip.errors import StoreError
from eclip.files import is_running
from eclip.products.bucket import Bucket, Found
from eclip.progress import stage

RENEW_SECONDS = 8.0
SILENT_SECONDS = 30.0  # a holder that has not renewed for so long is dead
_LOOK_SECONDS = 1.0


class Lease:
    """The right to write, while it is held.

    Args:
        bucket: Where.
        key: The object.
        name: Of the store, for messages.
    """

    def __init__(self, bucket: Bucket, key: str, name: str) -> None:
        self._bucket, self._key, self._name = bucket, key, name
        self._owner, self._renewals, self._tag = uuid.uuid4().hex, 0, ""
        self._ended, self._changing = threading.Event(), threading.Lock()

    def take(self) -> None:
        """Take it, from a dead holder too.

        Raises:
            StoreError: Somebody holds it.
        """
        tag = self._bucket.put(self._key, self._body(), absent=True)
        while tag is None:
            found = self._bucket.get(self._key)
            if found is not None and not self._is_dead(found):
                raise StoreError(f"{self._name}: another eclip is writing this store; wait until it is done")
            tag = self._bucket.put(self._key, self._body(), tag=found.tag if found else None, absent=found is None)
        self._tag = tag

    def renew(self) -> None:
        """Renew it.

        Raises:
            StoreError: It was taken over, as this process was silent for too long.
        """
        with self._changing:
            tag = self._bucket.put(self._key, self._body(), tag=self._tag)
            if tag is None:
                raise StoreError(
                    f"{self._name}: was silent for {SILENT_SECONDS:.0f} seconds, and another eclip took over; nothing "
                    "was changed, run the same command again"
                )
            self._tag = tag

    def keep(self) -> None:
        """Renew it now and then, until `give_back`."""
        while not self._ended.wait(RENEW_SECONDS):
            try:
                self.renew()
            except StoreError:  # told by the next `renew` before anything counts; the server may be back by then
                continue

    def give_back(self) -> None:
        """End it; where the server does not answer any more, silence ends it."""
        self._ended.set()
        with self._changing, suppress(StoreError):
            self._bucket.delete(self._key, tag=self._tag)

    def _body(self) -> bytes:
        self._renewals += 1
        facts = {"owner": self._owner, "host": socket.gethostname(), "pid": os.getpid(), "renewals": self._renewals}
        return json.dumps(facts).encode()

    def _is_dead(self, first: Found) -> bool:
        """Whether its holder has ended, or is silent for too long."""
        holder = _facts(first)
        if holder.get("host") == socket.gethostname() and not is_running(int(holder.get("pid", 0))):
            return True
        until = time.monotonic() + SILENT_SECONDS
        with stage("Waiting for another writer, or one that was killed", None, unit="looks") as advance:
            while time.monotonic() < until:
                time.sleep(_LOOK_SECONDS)
                advance(1)
                found = self._bucket.get(self._key)
                if found is None or found.tag != first.tag:
                    return found is None
        return True


@contextmanager
def hold_lease(bucket: Bucket, key: str, name: str) -> Iterator[Lease]:
    """Take the lease, keep it renewed in a thread, give it back.

    Raises:
        StoreError: Somebody else holds it.
    """
    lease = Lease(bucket, key, name)
    lease.take()
    threading.Thread(target=lease.keep, name="lease", daemon=True).start()
    try:
        yield lease
    finally:
        lease.give_back()


def _facts(found: Found) -> dict[str, Any]:
    try:
        facts = json.loads(found.data)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}
