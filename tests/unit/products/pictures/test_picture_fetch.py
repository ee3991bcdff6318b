from __future__ import annotations

import io
import shutil
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image

from eclip.products.pictures.fetch import Fetcher, FetchLimits
from eclip.products.pictures.loader import PictureLoader
from eclip.products.pictures.picture import PictureNotFetchedError, UnreadablePictureError

QUICK = FetchLimits(
    connect_seconds=0.5, read_seconds=0.3, total_seconds=0.8, backoff_seconds=0.01, longest_wait_seconds=0.05
)
PATIENT = FetchLimits(backoff_seconds=0.01, longest_wait_seconds=0.05)  # faults that no clock decides
_out = io.BytesIO()
Image.radial_gradient("L").crop((0, 0, 60, 40)).save(_out, format="PNG")
PNG = _out.getvalue()


class Shop(BaseHTTPRequestHandler):
    """A picture server with all faults, one a path."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[Counter[str]] = Counter()
    hosts: ClassVar[list[str]] = []
    at_once = most_at_once = 0
    lock = threading.Lock()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        with Shop.lock:
            Shop.seen[path] += 1
            Shop.hosts.append(self.headers["Host"])
            Shop.at_once += 1
            Shop.most_at_once = max(Shop.most_at_once, Shop.at_once)
        try:
            handler = getattr(self, "on_" + path.strip("/").partition("/")[0].replace("-", "_"), None)
            if handler is None:
                self.answer(404, b"gone")
            else:
                handler(Shop.seen[path])
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            with Shop.lock:
                Shop.at_once -= 1

    def answer(self, status: int, body: bytes = b"", kind: str = "image/png", **fields: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, target: str) -> None:
        self.answer(302, Location=target)

    def on_fine(self, time_seen: int) -> None:
        self.answer(200, PNG)

    def on_shaky(self, time_seen: int) -> None:
        self.answer(*((500, b"no") if time_seen == 1 else (200, PNG)))

    def on_busy(self, time_seen: int) -> None:
        if time_seen == 1:
            self.answer(429, Retry_After="0")
        else:
            self.answer(200, PNG)

    def on_down(self, time_seen: int) -> None:
        self.answer(503)

    def on_page(self, time_seen: int) -> None:
        self.answer(200, b"<html>", "text/html; charset=utf-8")

    def on_nonsense(self, time_seen: int) -> None:
        self.answer(200, b"no picture")

    def on_slow(self, time_seen: int) -> None:
        time.sleep(0.5)
        self.answer(200, PNG)

    def on_brief_wait(self, time_seen: int) -> None:
        time.sleep(0.05)
        self.answer(200, PNG)

    def on_dripping_fields(self, time_seen: int) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(40):
            self.wfile.write(b"X-Drip: 1\r\n")
            time.sleep(0.1)

    def on_dripping_body(self, time_seen: int) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        for _ in range(40):
            self.wfile.write(b"x")
            time.sleep(0.1)

    def on_endless(self, time_seen: int) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        while True:
            self.wfile.write(b"x" * 65536)

    def on_zipped(self, time_seen: int) -> None:
        self.answer(200, PNG, Content_Encoding="gzip")

    def on_cut(self, time_seen: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(PNG)))
        self.end_headers()
        self.wfile.write(PNG[:50])
        self.close_connection = True

    def on_moved(self, time_seen: int) -> None:
        self.redirect("../fine?at=1#part")

    def on_circle(self, time_seen: int) -> None:
        self.redirect("/circle")

    def on_to_private(self, time_seen: int) -> None:
        self.redirect("http://internal.example/fine")

    def on_to_metadata(self, time_seen: int) -> None:
        self.redirect("http://169.254.169.254/latest/meta-data")

    def on_to_file(self, time_seen: int) -> None:
        self.redirect("file:///etc/passwd")


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def shop(server: ThreadingHTTPServer) -> str:
    Shop.seen.clear()
    Shop.hosts.clear()
    Shop.most_at_once = 0
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(public_only=False, limits=PATIENT) as fetcher:
        yield fetcher


def test_a_picture_is_fetched_with_nothing_from_the_environment(
    fetcher: Fetcher, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetcher.fetch(f"{shop}/fine/상품 1.png?색=red#x") == PNG
    assert Shop.hosts == [shop.removeprefix("http://")]
    assert list(Shop.seen) == ["/fine/%EC%83%81%ED%92%88%201.png"]


@pytest.mark.parametrize(("path", "requests"), [("shaky", 2), ("busy", 2), ("fine", 1)])
def test_what_may_pass_is_tried_again(fetcher: Fetcher, shop: str, path: str, requests: int) -> None:
    assert fetcher.fetch(f"{shop}/{path}") == PNG
    assert Shop.seen[f"/{path}"] == requests


@pytest.mark.parametrize(
    ("path", "reason", "requests"),
    [
        ("gone", "HTTP 404", 1),
        ("down", "HTTP 503", 3),
        ("page", "not a picture but text/html", 1),
        ("endless", "file too large", 1),
        ("zipped", "sent as gzip", 1),
        ("cut", "connection broken", 3),
        ("circle", "too many redirects", 5),
        ("to-file", "address can't be read", 1),
    ],
)
def test_what_fails_says_why(fetcher: Fetcher, shop: str, path: str, reason: str, requests: int) -> None:
    with pytest.raises(PictureNotFetchedError, match=f"^{reason}"):
        fetcher.fetch(f"{shop}/{path}")
    assert Shop.seen[f"/{path}"] == requests


@pytest.mark.parametrize("path", ["slow", "dripping-fields", "dripping-body"])
def test_slow_answers_end_in_time(shop: str, path: str) -> None:
    started = time.monotonic()
    with Fetcher(public_only=False, limits=QUICK) as fetcher, pytest.raises(PictureNotFetchedError, match="time-out"):
        fetcher.fetch(f"{shop}/{path}")
    assert Shop.seen[f"/{path}"] == 3
    assert time.monotonic() - started < 3 * QUICK.total_seconds + 1.5  # a dripping server would take 4 s a request


@pytest.mark.parametrize(
    "address", ["http://", "http://[::1", "http://a b/", "https://u:p@example.org/", "http://x:99999/", "http://x:0/"]
)
def test_addresses_that_are_none(fetcher: Fetcher, address: str) -> None:
    with pytest.raises(PictureNotFetchedError, match="address"):
        fetcher.fetch(address)


def test_redirects_are_followed_and_checked_each(shop: str, server: ThreadingHTTPServer, public: Names) -> None:
    names = public({"shop.example": ["93.184.216.34"], "internal.example": ["10.0.0.7"]})
    address = f"http://shop.example:{server.server_port}"
    with Fetcher(limits=PATIENT, resolve=names.resolve) as fetcher:
        assert fetcher.fetch(f"{address}/moved/on") == PNG
        assert set(Shop.hosts) == {f"shop.example:{server.server_port}"}
        for path, reason in (("to-private", r"10\.0\.0\.7 is not"), ("to-metadata", r"169\.254\.169\.254 is not")):
            with pytest.raises(PictureNotFetchedError, match=reason):
                fetcher.fetch(f"{address}/{path}")
        with pytest.raises(PictureNotFetchedError, match=r"127\.0\.0\.1 is not a public address"):
            fetcher.fetch(f"{shop}/fine")
    assert Shop.seen["/fine"] == 1


class Names:
    """A resolver with names of its own; the one public address is made to lead to the test's server."""

    def __init__(self, addresses: dict[str, list[str]]) -> None:
        self.addresses, self.asked = addresses, Counter[str]()

    def resolve(self, host: str, port: int) -> list[str]:
        self.asked[host] += 1
        return self.addresses.get(host, [host])


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> type[Names]:
    """Lets the sockets that are opened to 93.184.216.34 reach this machine; what was checked stays visible."""
    import socket

    connect = socket.create_connection

    def reach(address: tuple[str, int], *args: object, **options: object) -> socket.socket:
        assert address[0] == "93.184.216.34", "connected to what was not checked"
        return connect(("127.0.0.1", address[1]), *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", reach)
    return Names


def test_the_connection_goes_to_the_address_that_was_checked(server: ThreadingHTTPServer, public: type[Names]) -> None:
    class Rebinding(Names):
        def resolve(self, host: str, port: int) -> list[str]:
            self.asked[host] += 1
            return ["93.184.216.34"] if self.asked[host] == 1 else ["127.0.0.1"]

    names = Rebinding({})
    with Fetcher(limits=PATIENT, resolve=names.resolve) as fetcher:
        assert fetcher.fetch(f"http://turns.example:{server.server_port}/fine") == PNG
    assert names.asked["turns.example"] == 1


def test_tls_keeps_the_name(tmp_path: Path, public: type[Names]) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate of this test")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=shop.example"]
    command += ["-addext", "subjectAltName=DNS:shop.example"]
    subprocess.run(command, check=True, capture_output=True)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    asked: list[str | None] = []
    served.sni_callback = lambda connection, name, context: asked.append(name)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    server.daemon_threads = True
    server.handle_error = lambda *about: None  # type: ignore[method-assign]
    server.socket = served.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    names = public({"shop.example": ["93.184.216.34"], "other.example": ["93.184.216.34"]})
    try:
        with Fetcher(
            limits=PATIENT, resolve=names.resolve, ssl_context=ssl.create_default_context(cafile=str(certificate))
        ) as fetcher:
            assert fetcher.fetch(f"https://shop.example:{server.server_port}/fine") == PNG
            with pytest.raises(PictureNotFetchedError, match="certificate not valid"):
                fetcher.fetch(f"https://other.example:{server.server_port}/fine")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert asked[0] == "shop.example"
    assert set(asked[1:]) == {"other.example"}


def test_a_silent_host_is_left_alone_after_a_while() -> None:
    waits: list[float] = []
    limits = FetchLimits(connect_seconds=0.2, failures_a_host=2, rest_seconds=0.3)
    with Fetcher(public_only=False, limits=limits, sleep=waits.append) as fetcher:
        reasons = []
        for number in range(4):
            with pytest.raises(PictureNotFetchedError) as fault:
                fetcher.fetch(f"http://127.0.0.1:9/{number}")
            reasons.append(str(fault.value))
        assert reasons == ["connection refused"] * 2 + ["host does not answer, left alone for a while"] * 2
        assert waits == [0.5, 1.0] * 2
        time.sleep(0.35)
        with pytest.raises(PictureNotFetchedError, match="connection refused"):
            fetcher.fetch("http://127.0.0.1:9/later")


def test_a_batch_fetches_once_and_not_all_at_once(shop: str, tmp_path: Path) -> None:
    limits = FetchLimits(requests=6, requests_a_host=3)
    addresses = [f"{shop}/brief-wait/{number % 12}" for number in range(24)]
    with PictureLoader(tmp_path, fetcher=Fetcher(public_only=False, limits=limits)) as loader:
        start = loader.batch()
        pictures = [task.result() for task in [start(address) for address in addresses]]
        assert {picture.digest for picture in pictures if picture} == {pictures[0].digest if pictures[0] else ""}
        with pytest.raises(UnreadablePictureError, match="not a picture"):
            loader.read(f"{shop}/nonsense")
        with pytest.raises(PictureNotFetchedError, match="HTTP 404"):
            loader.read(f"{shop}/gone")
    assert max(Shop.seen.values()) == 1
    assert len(Shop.seen) == 14
    assert 1 < Shop.most_at_once <= 3


def test_by_default_this_machine_is_not_asked(shop: str, tmp_path: Path) -> None:
    with PictureLoader(tmp_path) as loader, pytest.raises(PictureNotFetchedError, match="not a public address"):
        loader.read(f"{shop}/fine")
    assert not Shop.seen
    with PictureLoader(tmp_path, fetch_images="any") as loader:
        assert loader.read(f"{shop}/fine") is not None
