"""Who made a browser send a request: pages of this service, or pages of other sites that hope for its trust."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

_OTHER_SITES = ("cross-site", "same-site")
_MISSING = ""


def is_of_another_site(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that another site's page sends this.

    Browsers tell `Sec-Fetch-Site` over https and to localhost alone; over plain http the `Origin` of what may write is
    all there is, and must be the name that was asked. `X-Forwarded-Host` is a proxy's word for that name; a page of
    another site can't set it without asking first, which is never allowed here. Programs send neither.

    Args:
        headers: Of a request that may write, by name in lower case.
    """
    site = headers.get("sec-fetch-site", _MISSING)
    if site != _MISSING:
        return site in _OTHER_SITES
    origin = headers.get("origin", _MISSING)
    if origin == _MISSING:
        return False
    names = {headers.get(name, _MISSING).strip().lower() for name in ("host", "x-forwarded-host")} - {_MISSING}
    return urlsplit(origin).netloc.lower() not in names


def is_name_of_this_machine(host: str) -> bool:
    """Whether a `Host` line can be meant for a service that only this machine reaches.

    Any site may let its own name lead to 127.0.0.1 (DNS rebinding): its page then reads what this service answers,
    as if it were its own. An address, `localhost` and names without a dot are nobody's to give.

    Args:
        host: As it came: a name or an address, with or without a port.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or _MISSING).rstrip(".")
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost") or "." not in name:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches what listens there."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
