from __future__ import annotations

import pytest
from fakeshop import fault
from fastapi.testclient import TestClient

from eclip.serve.app import create_app


@pytest.mark.parametrize(
    "path", ["/", "/page/js/main.js", "/page/css/1-base.css", "/healthz", "/search", "/nowhere", "/products/png/image"]
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
