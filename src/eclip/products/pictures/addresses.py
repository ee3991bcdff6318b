"""Which network addresses a feed may make us connect to.

A feed is written by others: without this guard its picture addresses could reach services of the machine
itself, of its network, or of its cloud provider. Names are resolved here, every address is checked, and the
connection goes to the checked address, so that a name which changes its answer gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable

import httpcore

from eclip.products.pictures.deadline import TimedStream, seconds_left

Resolve = Callable[[str, int], list[str]]
"""Addresses of a host name and port; raises `OSError`."""

# Not for the public although the registries' "global" says so, or addresses that wrap another one.
_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's services to its machines
        "192.0.0.0/24",  # of the protocol itself, some clouds' services to their machines
        "192.88.99.0/24",  # relays of 6to4
        "64:ff9b::/96",  # NAT64, wraps IPv4
        "64:ff9b:1::/48",  # NAT64 of a local network
        "::ffff:0:0/96",  # IPv4 written as IPv6
        "::/96",  # likewise, an old form
        "2001::/32",  # Teredo, wraps IPv4
        "2002::/16",  # 6to4, wraps IPv4
        "fec0::/10",  # site-local, an old form
    )
)

# Ports of other services that no browser opens (fetch.spec.whatwg.org/#port-blocking): what lies there is no picture.
_BAD_PORTS = frozenset(
    (
        *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104),
        *(109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526),
        *(530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659),
        *(4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    )
)


class ForbiddenAddressError(Exception):
    """A name leads to an address that is not public, or a port that serves no pictures; the text says which."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet: not private, loopback, link-local, reserved or wrapped."""
    ip = ipaddress.ip_address(address.partition("%")[0])  # without an IPv6 zone
    odd = ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_reserved or ip.is_unspecified
    return ip.is_global and not odd and not any(ip.version == net.version and ip in net for net in _REFUSED)


def resolve_host(host: str, port: int) -> list[str]:
    """All addresses of a name, as the system resolves it (its own time-out applies).

    Raises:
        OSError: There is no such name, or no answer.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore.NetworkBackend):
    """Connects where httpcore asks to, but to an address that was resolved and checked here.

    The connection keeps its name for the Host line, TLS and the certificate: only the socket knows the address.

    Args:
        public_only: Refuse a name if any of its addresses is not public.
        resolve: Stands in for the system's resolver in tests.
    """

    def __init__(self, *, public_only: bool, resolve: Resolve = resolve_host) -> None:
        self._public_only = public_only
        self._resolve = resolve
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that answers.

        Raises:
            ForbiddenAddressError: An address of the host is not public, or the port is another service's.
            httpcore.ConnectError: No such host, or none of its addresses answers.
        """
        if self._public_only and port in _BAD_PORTS:
            raise ForbiddenAddressError(f"port {port} is no port of web servers")
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as fault:
            raise httpcore.ConnectError("host not found") from fault
        for address in addresses:
            if self._public_only and not is_public(address):
                raise ForbiddenAddressError(f"{address} is not a public address")
        last: Exception = httpcore.ConnectError("host not found")
        for address in addresses:
            try:
                seconds = seconds_left(timeout)
                return TimedStream(self._plain.connect_tcp(address, port, seconds, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
                last = fault
        raise last
