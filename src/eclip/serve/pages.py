"""The routes that a person looks at: the search page, its files, and the report."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from eclip.serve.limits import MAX_QUERY_CHARACTERS, MAX_UPLOAD_BYTES
from eclip.serve.live import Live
from eclip.serve.protection import REPORT_POLICY

_PAGE_FILES = {"page.css": "text/css", "page.js": "text/javascript"}


def page_routes(live: Live, *, report: Path | None) -> APIRouter:
    """The page and what it shows beside the search.

    Args:
        live: What answers.
        report: The HTML report of an evaluation, shown at /report; read at each request.
    """
    router = APIRouter(include_in_schema=False)
    pages = Environment(loader=PackageLoader("eclip.serve", "page"), autoescape=True, undefined=StrictUndefined)

    @router.get("/", response_class=HTMLResponse)
    def page() -> str:
        """The search page."""
        return pages.get_template("index.html").render(
            num_products=live.current.engine.num_products,
            has_report=report is not None,
            max_query_characters=MAX_QUERY_CHARACTERS,
            max_upload_bytes=MAX_UPLOAD_BYTES,
        )

    @router.get("/page/{name}")
    def page_file(name: str) -> Response:
        """The page's style and script."""
        if name not in _PAGE_FILES:
            raise HTTPException(404, f"no file {name!r:.80} here")
        content = (files("eclip.serve") / "page" / name).read_bytes()
        return Response(content, media_type=_PAGE_FILES[name], headers={"Cache-Control": "no-cache"})

    @router.get("/report")
    def show_report() -> Response:
        """The report of the evaluation."""
        if report is None or not report.is_file():
            raise HTTPException(404, "there is no report here; make one with `eclip evaluate`")
        headers = {"Content-Security-Policy": REPORT_POLICY}
        return HTMLResponse(report.read_bytes(), headers=headers)

    return router
