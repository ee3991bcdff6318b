from __future__ import annotations

import httpcore
import pytest

from eclip.products.pictures.addresses import ForbiddenAddressError, GuardedBackend, is_public


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1"),
        *("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "203.0.113.5"),
        *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808"),
        *("64:ff9b:1::1", "2002:7f00:1::", "2001:0:53aa:64c:0:5efe:7f00:1"),
    ],
)
def test_addresses_that_are_not_for_the_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "::1",
        "::ffff:127.0.0.1",
    ],
)
def test_other_spellings_of_this_machine_are_refused(host: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="is not a public address"):
        GuardedBackend(public_only=True).connect_tcp(host, 8)


def test_one_address_that_is_not_public_refuses_the_name() -> None:
    backend = GuardedBackend(public_only=True, resolve=lambda host, port: ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(ForbiddenAddressError, match=r"10\.0\.0\.1"):
        backend.connect_tcp("shop.example", 80)


def test_a_name_without_address_is_not_found() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(httpcore.ConnectError, match="host not found"):
        GuardedBackend(public_only=True, resolve=unknown).connect_tcp("shop.example", 80)


@pytest.mark.parametrize("port", [22, 25, 143, 389, 6667])
def test_ports_of_other_services_are_not_talked_to(port: int) -> None:
    backend = GuardedBackend(public_only=True, resolve=lambda host, port: pytest.fail("it was asked for"))
    with pytest.raises(ForbiddenAddressError, match=f"port {port} is no port of web servers"):
        backend.connect_tcp("mail.example", port)


def test_a_name_is_resolved_once_and_connected_where_it_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the second answer of the name is this machine; nobody asks for it."""
    answers, connected = iter([["93.184.216.34"], ["127.0.0.1"]]), []
    backend = GuardedBackend(public_only=True, resolve=lambda host, port: next(answers))
    monkeypatch.setattr(backend._plain, "connect_tcp", lambda host, *rest: connected.append(host))
    backend.connect_tcp("rebound.example", 80)
    assert connected == ["93.184.216.34"]
    with pytest.raises(ForbiddenAddressError, match="is not a public address"):
        backend.connect_tcp("rebound.example", 80)
