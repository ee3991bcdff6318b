"""Pictures behind http(s) addresses: fetched with bounds on everything a server could overdo.

`httpx` reads addresses (names in any script, spaces, relative redirects), `httpcore` connects. Used without
httpx's client there are no proxies, netrc files, cookies or compression to come by surprise, and redirects are
followed here, each checked like a first address.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Literal

import httpcore
import httpx

from eclip.products.pictures.addresses import ForbiddenAddressError, GuardedBackend, Resolve, resolve_host
from eclip.products.pictures.deadline import deadline_in
from eclip.products.pictures.picture import PictureNotFetchedError
from eclip.version import __version__

FetchImages = Literal["public", "any", "none"]
"""What may be fetched: from public addresses, from any address, nothing."""

_HEADERS = (("User-Agent", f"eclip/{__version__}"), ("Accept", "image/*"), ("Accept-Encoding", "identity"))
_RETRIED = (429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)
_NO_PICTURE = ("text/", "video/", "audio/", "application/json", "application/xml", "application/pdf")


@dataclass(frozen=True, kw_only=True)
class FetchLimits:
    """How much of time, bytes and connections fetching may take."""

    connect_seconds: float = 5.0
    """To reach a server."""
    read_seconds: float = 10.0
    """Between two pieces of an answer."""
    total_seconds: float = 30.0
    """For one attempt, redirects included."""
    attempts: int = 3
    """Of one address."""
    backoff_seconds: float = 0.5
    """Before the second attempt; doubled before each further one, or what the server asks for, if not more than
    `longest_wait_seconds`."""
    longest_wait_seconds: float = 10.0
    """Between two attempts."""
    max_bytes: int = 20 << 20
    """Of one picture, counted as they come."""
    redirects: int = 4
    """Followed for one address."""
    requests: int = 24
    """At once, over all hosts."""
    requests_a_host: int = 8
    """At once, to one host."""
    failures_a_host: int = 6
    """Addresses in a row without any answer, after which a host is left alone for a while."""
    rest_seconds: float = 60.0
    """How long it is left alone; then one address is tried again."""


class _RetryError(Exception):
    """An attempt failed in a way that may pass; `wait_seconds` is what the server asks for."""

    def __init__(self, reason: str, *, answered: bool, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.answered, self.wait_seconds = answered, wait_seconds


@dataclass
class _Host:
    """Bounds of one host: requests at once, and whether it answers at all."""

    turns: threading.BoundedSemaphore
    silent: int = 0
    rests_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Fetcher:
    """Fetches pictures over http(s); safe to call from many threads, to be closed after use.

    Args:
        public_only: Refuse names that lead to other than public addresses.
        limits: Bounds.
        resolve: Stands in for the system's resolver in tests.
        ssl_context: Stands in for the usual certificate checks in tests.
        sleep: Waits between attempts.
    """

    def __init__(
        self,
        *,
        public_only: bool = True,
        limits: FetchLimits | None = None,
        resolve: Resolve = resolve_host,
        ssl_context: ssl.SSLContext | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limits = limits or FetchLimits()
        self._sleep = sleep
        self._ssl_context = ssl_context
        self._backend = GuardedBackend(public_only=public_only, resolve=resolve)
        self._hosts: dict[str, _Host] = defaultdict(
            lambda: _Host(threading.BoundedSemaphore(self.limits.requests_a_host))
        )
        self._lock = threading.Lock()

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        if "_pool" in self.__dict__:
            self._pool.close()

    @cached_property
    def _pool(self) -> httpcore.ConnectionPool:
        """The connections; made at the first address, as reading the known certificates takes time."""
        return httpcore.ConnectionPool(
            ssl_context=self._ssl_context,
            max_connections=self.limits.requests,
            keepalive_expiry=10.0,
            network_backend=self._backend,
        )

    def fetch(self, address: str) -> bytes:
        """The bytes behind an address.

        Raises:
            PictureNotFetchedError: They can't be had; the text says why in a few words.
        """
        url = _parse(address)
        host = self._host(url)
        reason = ""
        for attempt in range(self.limits.attempts):
            if host.rests_until > time.monotonic():
                raise PictureNotFetchedError(reason or "host does not answer, left alone for a while")
            try:
                with host.turns, deadline_in(self.limits.total_seconds):
                    data = self._follow(url)
            except _RetryError as fault:
                reason = str(fault)
                if attempt + 1 < self.limits.attempts:
                    self._sleep(self._wait_seconds(fault, attempt))
                elif not fault.answered:
                    self._note_silence(host)
            else:
                host.silent = 0
                return data
        raise PictureNotFetchedError(reason)

    def _host(self, url: httpx.URL) -> _Host:
        with self._lock:
            _ = self._pool  # made once, whichever thread comes first
            return self._hosts[url.host]

    def _wait_seconds(self, fault: _RetryError, attempt: int) -> float:
        asked = fault.wait_seconds if fault.wait_seconds is not None else self.limits.backoff_seconds * 2**attempt
        return min(asked, self.limits.longest_wait_seconds)

    def _note_silence(self, host: _Host) -> None:
        """Count an address without any answer; after several in a row the host rests."""
        with host.lock:
            host.silent += 1
            if host.silent >= self.limits.failures_a_host:
                host.rests_until = time.monotonic() + self.limits.rest_seconds

    def _follow(self, url: httpx.URL) -> bytes:
        """One attempt: the address and what it redirects to, within the total time."""
        for _ in range(self.limits.redirects + 1):
            try:
                answer = self._request(url)
            except ForbiddenAddressError as fault:
                raise PictureNotFetchedError(str(fault)) from None
            except httpcore.TimeoutException:
                raise _RetryError("time-out", answered=False) from None
            except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as fault:
                raise _RetryError(_in_words(fault), answered=False) from None
            if isinstance(answer, bytes):
                return answer
            url = answer
        raise PictureNotFetchedError("too many redirects")

    def _request(self, url: httpx.URL) -> bytes | httpx.URL:
        """One request: the body, or where it redirects to."""
        limits = self.limits
        timeouts = {
            "connect": limits.connect_seconds,
            "read": limits.read_seconds,
            "write": limits.read_seconds,
            "pool": limits.total_seconds,
        }
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers = [*_HEADERS, ("Host", url.netloc.decode("ascii"))]
        with self._pool.stream("GET", target, headers=headers, extensions={"timeout": timeouts}) as response:
            fields = {name.lower(): value.decode("utf-8", "replace") for name, value in response.headers}
            if response.status in _REDIRECTS and fields.get(b"location"):
                return _parse(fields[b"location"], base=url)
            if response.status in _RETRIED:
                wait = fields.get(b"retry-after", "")
                seconds = float(wait) if wait.isdecimal() else None
                raise _RetryError(f"HTTP {response.status}", answered=True, wait_seconds=seconds)
            if response.status != 200:
                raise PictureNotFetchedError(f"HTTP {response.status}")
            self._check_fields(fields)
            return self._body(response)

    def _check_fields(self, fields: dict[bytes, str]) -> None:
        """Refuse by what the answer says of itself, before reading it."""
        kind = fields.get(b"content-type", "").partition(";")[0].strip().lower()
        if kind.startswith(_NO_PICTURE):
            raise PictureNotFetchedError(f"not a picture but {kind}")
        if fields.get(b"content-encoding", "identity").lower() != "identity":
            raise PictureNotFetchedError(f"sent as {fields[b'content-encoding']}, unasked")
        length = fields.get(b"content-length", "")
        if length.isdecimal() and int(length) > self.limits.max_bytes:
            raise PictureNotFetchedError("file too large")

    def _body(self, response: httpcore.Response) -> bytes:
        """The body, read while it is not too long, whatever length was promised."""
        pieces, size = [], 0
        for piece in response.iter_stream():
            size += len(piece)
            if size > self.limits.max_bytes:
                raise PictureNotFetchedError("file too large")
            pieces.append(piece)
        return b"".join(pieces)


def _parse(address: str, *, base: httpx.URL | None = None) -> httpx.URL:
    """An absolute http(s) address, without its fragment.

    Raises:
        PictureNotFetchedError: It is none.
    """
    text = f"https:{address}" if address.startswith("//") and base is None else address
    try:
        url = httpx.URL(text) if base is None else base.join(text)
        readable = _is_readable(url)
    except (httpx.InvalidURL, ValueError, TypeError, UnicodeError):
        readable = False
    if not readable:
        raise PictureNotFetchedError("address can't be read")
    if url.userinfo:
        raise PictureNotFetchedError("address holds a password")
    return url


def _is_readable(url: httpx.URL) -> bool:
    """Whether it can name a server and a port."""
    host = url.raw_host.decode("ascii")
    port = 1 if url.port is None else url.port
    return url.scheme in ("http", "https") and bool(host) and "%" not in host and port in range(1, 65536)


def _in_words(fault: Exception) -> str:
    """A network error in a few words."""
    text = str(fault)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "certificate not valid"
    if "refused" in text:
        return "connection refused"
    return text if text == "host not found" else f"connection broken ({type(fault).__name__})"
