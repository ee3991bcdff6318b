from __future__ import annotations

import io
import json
import re
import signal
import socket
import threading
import urllib.request
from importlib.resources import files

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from eclip.errors import ConfigError
from eclip.search.results import Hit, Results
from eclip.serve.app import MAX_IMAGE_PIXELS, create_app, picture_type, serve_app
from eclip.serve.protection import MAX_UPLOAD_BYTES
from eclip.serve.schemas import image_url


def encoded(format="PNG", size=(8, 8)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, format)
    return out.getvalue()


def hit(product_id="p1", **other) -> Hit:
    fields = {"title": "<b>Red</b> dress", "category": ["Women", "Dresses"], "price": 9.5, "seller": None}
    return Hit(product_id=product_id, score=0.5, row=0, same_product_ids=["p2"], **(fields | other))


class FakeEngine:
    """Remembers what was asked; the text decides the answer."""

    num_products = 3
    pictures = {  # noqa: RUF012
        "jpeg": encoded("JPEG"),
        "png": encoded("PNG"),
        "webp": encoded("WEBP"),
        "a/b c?한": encoded("PNG"),
        "odd": b"<svg onload=alert(1)>",
    }

    def __init__(self) -> None:
        self.asked: list[dict] = []

    def search(self, query):
        text, image = query.text, query.image
        self.asked.append({"text": text, "image": image, "top_k": query.top_k})
        if text == "bug":
            raise RuntimeError("secret /path")
        if not text and not image:
            raise ConfigError("the query is empty;\ngive a text")
        return Results(hits=[] if text == "nothing" else [hit()], num_products=1)

    def picture(self, product_id):
        return self.pictures.get(product_id)


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def client(engine):
    return TestClient(create_app(engine, report=None), raise_server_exceptions=False)


def fault(response, status: int) -> str:
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert "\n" not in response.json()["error"]
    return response.json()["error"]


def test_search_by_text(client, engine):
    response = client.get("/search", params={"q": "red dress", "top_k": 7})
    assert response.status_code == 200
    assert engine.asked == [{"text": "red dress", "image": None, "top_k": 7}]
    assert response.json() == {
        "hits": [
            {
                "product_id": "p1",
                "title": "<b>Red</b> dress",
                "category": ["Women", "Dresses"],
                "price": 9.5,
                "seller": None,
                "score": 0.5,
                "image_url": "/products/p1/image",
                "same_product_ids": ["p2"],
            }
        ]
    }
    assert client.get("/search", params={"q": "nothing"}).json() == {"hits": []}


@pytest.mark.parametrize("text", [None, "red"])
def test_search_by_picture(client, engine, text):
    image = encoded("JPEG")
    response = client.post(
        "/search", params={"top_k": 3}, files={"picture": ("x.jpg", image)}, data={"q": text} if text else {}
    )
    assert response.status_code == 200
    assert engine.asked == [{"text": text, "image": image, "top_k": 3}]


def test_post_takes_text_alone(client, engine):
    assert client.post("/search", data={"q": "red"}).status_code == 200
    assert engine.asked[0]["text"] == "red"


def test_empty_query(client):
    assert fault(client.get("/search"), 400) == "the query is empty; give a text"
    assert "empty" in fault(client.get("/search", params={"q": ""}), 400)
    assert "empty" in fault(client.post("/search"), 400)
    assert "empty" in fault(client.post("/search", files={"picture": ("x.jpg", b"")}), 400)


@pytest.mark.parametrize("top_k", ["0", "101", "-1", "many", "1.5"])
def test_top_k_out_of_range(client, engine, top_k):
    assert "top_k" in fault(client.get("/search", params={"q": "a", "top_k": top_k}), 422)
    assert "top_k" in fault(client.post("/search", params={"top_k": top_k}, data={"q": "a"}), 422)
    assert engine.asked == []


@pytest.mark.parametrize("image", [b"no picture", encoded()[:30]])
def test_unreadable_picture(client, engine, image):
    assert "can't be read" in fault(client.post("/search", files={"picture": ("x.png", image)}), 400)
    assert engine.asked == []


def test_picture_given_as_text(client):
    assert "picture" in fault(client.post("/search", data={"picture": "x"}), 422)


def test_broken_form(client):
    headers = {"Content-Type": "multipart/form-data"}
    fault(client.post("/search", content=b"rubbish", headers=headers), 400)


def test_picture_with_too_many_bytes(client, engine):
    just_too_large = encoded().ljust(MAX_UPLOAD_BYTES + 1, b"\0")
    assert "8 MB" in fault(client.post("/search", files={"picture": ("x.png", just_too_large)}), 413)
    assert engine.asked == []
    assert client.post("/search", files={"picture": ("x.png", just_too_large[:-1])}).status_code == 200


def test_endless_body_is_cut_without_a_length(client):
    def body():
        yield b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'
        for _ in range(64):
            yield b"\0" * 1024 * 1024

    response = client.post("/search", content=body(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert "8 MB" in fault(response, 413)


@pytest.mark.parametrize("side", [6_400, 20_000])
def test_picture_with_too_many_pixels(client, engine, side):
    assert side * side > MAX_IMAGE_PIXELS
    bomb = io.BytesIO()
    Image.new("1", (side, side)).save(bomb, "PNG")
    assert "million pixels" in fault(client.post("/search", files={"picture": ("x.png", bomb.getvalue())}), 400)
    assert engine.asked == []


def test_long_text(client):
    assert "q:" in fault(client.get("/search", params={"q": "a" * 1001}), 422)


@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
def test_picture_of_a_product(client, name):
    response = client.get(f"/products/{name}/image")
    assert response.status_code == 200
    assert response.headers["content-type"] == f"image/{name}"
    assert response.content == FakeEngine.pictures[name]


def test_picture_of_a_product_with_an_odd_id(client):
    assert client.get(image_url("a/b c?한")).content == FakeEngine.pictures["a/b c?한"]


def test_what_is_no_picture_is_not_served(client):
    assert "nobody" in fault(client.get("/products/nobody/image"), 404)
    fault(client.get("/products/odd/image"), 404)
    assert picture_type(b"") is None
    assert picture_type(b"RIFF1234WAVE") is None


def test_a_bug_is_answered_with_an_id_that_the_log_repeats(client, caplog):
    response = client.get("/search", params={"q": "bug"})
    error = fault(response, 500)
    assert "secret" not in error
    (fault_id,) = re.findall("[0-9a-f]{12}", error)
    assert fault_id in caplog.text
    assert "secret /path" in caplog.text
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"].startswith("default-src 'self'")


@pytest.mark.parametrize(
    "path", ["/", "/page/page.js", "/page/page.css", "/healthz", "/search", "/nowhere", "/products/png/image"]
)
def test_security_headers_are_everywhere(client, path):
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_unknown_paths_and_methods(client):
    fault(client.get("/nowhere"), 404)
    fault(client.get("/page/app.py"), 404)
    fault(client.get("/page/..%2Fapp.py"), 404)
    fault(client.delete("/search"), 405)
    fault(client.get("/docs"), 404)


def test_health(client):
    assert client.get("/healthz").json() == {"status": "ok", "num_products": 3}


def test_report(client, engine, tmp_path):
    assert "eclip evaluate" in fault(client.get("/report"), 404)
    assert 'href="/report"' not in client.get("/").text
    path = tmp_path / "report.html"
    with_report = TestClient(create_app(engine, report=path))
    fault(with_report.get("/report"), 404)
    path.write_text("<h1>보고서</h1>", encoding="utf-8")
    response = with_report.get("/report")
    assert response.text == "<h1>보고서</h1>"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert 'href="/report"' in with_report.get("/").text


def test_page_has_no_inline_code_and_nothing_from_outside(client):
    page = client.get("/").text
    assert re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL) == [""]
    assert "<style" not in page
    assert not re.search(r"\s(style|on\w+)=", page)
    texts = page + client.get("/page/page.js").text + client.get("/page/page.css").text
    assert not re.search(r"(https?:)?//[a-z]", texts.replace("// ", ""))


def test_page_says_the_same_in_both_languages(client):
    script = client.get("/page/page.js").text
    assert client.get("/page/page.js").headers["content-type"].startswith("text/javascript")
    blocks = re.search(r"  en: \{(.*?)\n  \},\n  ko: \{(.*?)\n  \},\n\};", script, re.DOTALL)
    assert blocks is not None
    names = [re.findall(r"(?:^|, ?|\n)\s*(\w+): ", block) for block in blocks.groups()]
    assert set(names[0]) == set(names[1])
    asked = set(re.findall(r'data-say="(\w+)"', client.get("/").text)) | set(re.findall(r'say\("(\w+)"', script))
    assert asked <= set(names[0])


def test_page_never_writes_titles_as_html():
    script = (files("eclip.serve") / "page" / "page.js").read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)


def served(app, ask, **where):
    """Run a server in a thread, give its address to `ask`, stop it, return what `ask` returned."""
    import uvicorn

    answers, servers = [], []
    startup = uvicorn.Server.startup

    async def remember(self, sockets=None):
        servers.append(self)
        await startup(self, sockets)

    ready = threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn.Server, "startup", remember)
        addresses = []

        def on_ready(url):
            addresses.append(url)
            ready.set()

        thread = threading.Thread(target=serve_app, args=(app,), kwargs={"on_ready": on_ready, **where})
        thread.start()
        try:
            assert ready.wait(20)
            answers.append(ask(addresses[0]))
        finally:
            for server in servers:
                server.should_exit = True
            thread.join(20)
    assert not thread.is_alive()
    return answers[0]


def read(url: str) -> tuple[str, dict]:
    with urllib.request.urlopen(url + "healthz", timeout=10) as response:
        return url, json.load(response)


def test_serves_on_a_free_port_when_the_default_is_taken(engine, capfd, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = taken.getsockname()[1]
        monkeypatch.setattr("eclip.serve.app.DEFAULT_PORT", busy)
        url, health = served(create_app(engine, report=None), read, port=busy)
    assert health["status"] == "ok"
    assert url.startswith("http://127.0.0.1:")
    assert not url.endswith(f":{busy}/")
    assert capfd.readouterr() == ("", "")


def test_a_chosen_port_that_is_taken_is_refused(engine):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="--port"):
            serve_app(create_app(engine, report=None), port=taken.getsockname()[1])


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("not a host", 0)])
def test_an_address_that_cannot_be_is_refused(engine, host, port):
    with pytest.raises(ConfigError, match="can't listen"):
        serve_app(create_app(engine, report=None), host=host, port=port)


def test_interrupt_ends_it_quietly(engine, capfd):
    serve_app(create_app(engine, report=None), port=0, on_ready=lambda url: signal.raise_signal(signal.SIGINT))
    assert capfd.readouterr() == ("", "")
