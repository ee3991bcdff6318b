from __future__ import annotations

import re
from importlib.resources import files

import pytest
from fakeshop import fault
from fastapi.testclient import TestClient

from eclip.serve.app import create_app


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


def test_report(client, desk, tmp_path):
    assert "eclip evaluate" in fault(client.get("/report"), 404)
    assert 'href="/report"' not in client.get("/").text
    path = tmp_path / "report.html"
    with_report = TestClient(create_app(desk, report=path))
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
