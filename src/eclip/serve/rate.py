"""How often one client may ask: a token bucket for each."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from eclip.serve.limits import MAX_CLIENTS


class RateLimit:
    """Lets each client ask `per_second` times a second, and a few more at once after a pause.

    Used by the event loop alone. Remembers `MAX_CLIENTS`, the one that was seen longest ago goes first.

    Args:
        per_second: Requests a second that may go on for ever.
        clock: Seconds.
    """

    def __init__(self, per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._clock = per_second, clock
        self._burst = max(1.0, 2 * per_second)
        self._tokens: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client -> tokens left, and when

    def seconds_to_wait(self, client: str) -> float:
        """Count a request: 0 = go on, else how long until the client may ask again."""
        now = self._clock()
        left, then = self._tokens.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._per_second)
        goes = left >= 1
        self._tokens[client] = (left - 1 if goes else left, now)
        if len(self._tokens) > MAX_CLIENTS:
            self._tokens.popitem(last=False)
        return 0.0 if goes else (1 - left) / self._per_second


def client_of(address: str | None) -> str:
    """What an address is counted as: of IPv6 the network of 64 bits that one customer has to himself."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
