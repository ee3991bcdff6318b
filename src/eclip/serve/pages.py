"""The routes that a person looks at: the page, its files, and the report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from eclip.serve.limits import MAX_QUERY_CHARACTERS, MAX_UPLOAD_BYTES
from eclip.serve.live import Live
from eclip.serve.protection import REPORT_POLICY

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".json": "application/json", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class PageFile:
    """A file that the page loads: style, script, words, icon."""

    content: bytes
    media_type: str
    tag: str
    """Names the content, so that a browser that has it is not sent it again."""


def page_routes(live: Live, *, report: Path | None, may_correct: bool = False) -> APIRouter:
    """The page, its files and the report.

    Args:
        live: What answers.
        report: The HTML report of an evaluation, shown at /report; read at each request.
        may_correct: Whether the service takes corrections: the page offers them then.
    """
    router = APIRouter(include_in_schema=False)
    pages = Environment(
        loader=PackageLoader("eclip.serve", "page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page_files = dict(_page_files(files("eclip.serve") / "page"))

    @router.get("/", response_class=HTMLResponse)
    def page() -> str:
        """The page: one for the search, products, the map and the review; its address says which."""
        return pages.get_template("index.html").render(
            num_products=live.current.engine.num_products,
            has_report=report is not None,
            may_correct=may_correct,
            max_query_characters=MAX_QUERY_CHARACTERS,
            max_upload_bytes=MAX_UPLOAD_BYTES,
            styles=[name.removeprefix("css/") for name in page_files if name.startswith("css/")],
        )

    @router.get("/page/{name:path}")
    def page_file(name: str, request: Request) -> Response:
        """A file of the page."""
        if name not in page_files:
            raise HTTPException(404, f"no file {name!r:.80} here")
        file = page_files[name]
        headers = {"Cache-Control": "no-cache", "ETag": file.tag}
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)

    @router.get("/report")
    def show_report() -> Response:
        """The report of the evaluation."""
        if report is None or not report.is_file():
            raise HTTPException(404, "there is no report here; make one with `eclip evaluate`")
        headers = {"Content-Security-Policy": REPORT_POLICY}
        return HTMLResponse(report.read_bytes(), headers=headers)

    return router


def _page_files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, PageFile]]:
    """What lies in the page's folder by its path there, in order of names; templates are no files to load."""
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _page_files(entry, f"{prefix}{entry.name}/")
        elif (suffix := Path(entry.name).suffix) in _MEDIA_TYPES:
            content = entry.read_bytes()
            yield (
                f"{prefix}{entry.name}",
                PageFile(content, _MEDIA_TYPES[suffix], f'"{hashlib.sha256(content).hexdigest()[:16]}"'),
            )
