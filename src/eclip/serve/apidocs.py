"""/docs: what the API offers, as one page out of its OpenAPI description; no script, nothing from outside."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from eclip.serve.protection import REPORT_POLICY
from eclip.serve.routes.tasks import body_schemas


def describe(app: FastAPI) -> None:
    """Let the OpenAPI description hold the bodies that routes read by themselves, too."""

    @cache
    def openapi() -> dict[str, Any]:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schema["components"]["schemas"] |= body_schemas()
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def docs_routes(app: FastAPI) -> APIRouter:
    """The page."""
    router = APIRouter(include_in_schema=False)
    pages = Environment(
        loader=PackageLoader("eclip.serve", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )

    @router.get("/docs", response_class=HTMLResponse)
    async def docs() -> HTMLResponse:
        """The routes, their parameters and answers."""
        schema = app.openapi()
        content = pages.get_template("apidocs.html").render(
            schema=schema, operations=_operations(schema), example=_example
        )
        return HTMLResponse(content, headers={"Content-Security-Policy": REPORT_POLICY})

    return router


def _operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def _example(schema: dict[str, Any]) -> str:
    """The JSON of a schema's example; empty where it has none."""
    found = schema.get("examples") or []
    return json.dumps(found[0], ensure_ascii=False) if found else ""
