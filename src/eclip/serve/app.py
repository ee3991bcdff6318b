"""The search page and its JSON API over one search engine."""

from __future__ import annotations

import io
import socket
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import APIRouter, FastAPI, File, Form, HTTPException, Query, Response, UploadFile

from eclip.errors import ConfigError
from eclip.pictureformats import known_formats
<<<<<<< HEAD
from eclip.serve.limits import MAX_IMAGE_PIXELS, MAX_QUERY_CHARACTERS, MAX_TOP_K, MAX_UPLOAD_BYTES
from eclip.serve.live import Live
from eclip.serve.pages import page_routes
from eclip.serve.protection import TOO_LARGE, BodyLimit, SecurityHeaders, answer_faults
=======
from eclip.search.engine import SearchEngine
from eclip.search.query import Query as SearchQuery
from eclip.serve.protection import (
    MAX_UPLOAD_BYTES,
    REPORT_POLICY,
    TOO_LARGE,
    BodyLimit,
    SecurityHeaders,
    answer_faults,
)
>>>>>>> bea9b4e65ffa92b55b44557d8fef635456510b2d
from eclip.serve.schemas import Fault, Health, HitAnswer, SearchAnswer
from eclip.version import __version__

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765
_REFUSALS: dict[int | str, dict[str, object]] = {status: {"model": Fault} for status in (400, 404, 413, 422, 500)}

QueryText = Annotated[str | None, Query(max_length=MAX_QUERY_CHARACTERS, description="What is sought")]
FormText = Annotated[str | None, Form(max_length=MAX_QUERY_CHARACTERS, description="What is sought")]
TopK = Annotated[int, Query(ge=1, le=MAX_TOP_K, description="How many products")]
Picture = Annotated[UploadFile | None, File(description="A picture of what is sought")]


def create_app(live: Live, *, report: Path | None) -> FastAPI:
    """The service: search page, JSON API, product pictures and, when given, the report.

    Args:
        live: What answers; shared by all requests.
        report: The HTML report of an evaluation, shown at /report; read at each request.
    """
    app = FastAPI(title="eclip search", version=__version__, docs_url=None, redoc_url=None)
    app.include_router(_api_routes(live))
    app.include_router(page_routes(live, report=report))
    answer_faults(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    return app


def serve_app(
    app: FastAPI,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until interrupted; prints nothing.

    Args:
        app: What `create_app` made.
        host: Address to listen on; the default is reached from this machine alone.
        port: Port to listen on. Where the default one is taken, any free one; 0 = any free one.
        on_ready: Called with the page's address once it answers.

    Raises:
        ConfigError: The address can't be listened on, or a port of one's own choice is taken.
    """
    with _listening_socket(host, port) as listener:
        server = _Server(
            uvicorn.Config(app, log_level="warning", access_log=False),
            on_ready=on_ready,
            url=_page_address(host, listener.getsockname()[1]),
        )
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            return  # how a person ends it


def picture_type(image: bytes) -> str | None:
    """Media type of an encoded picture by its first bytes; None when it is none that a page may show."""
    if image.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "image/webp"
    return None


def check_picture(image: bytes) -> None:
    """Refuse an upload that is too large or no picture, before a decoder spends memory on it.

    Raises:
        ConfigError: It can't be read, or holds too many pixels.
        HTTPException: 413 when it has too many bytes.
    """
    from PIL import Image

    if len(image) > MAX_UPLOAD_BYTES:
        raise HTTPException(413, TOO_LARGE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(image), formats=known_formats()) as opened:
                width, height = opened.size
    except Image.DecompressionBombError:
        width = height = MAX_IMAGE_PIXELS
    except (OSError, ValueError, SyntaxError) as error:
        raise ConfigError("the picture can't be read; send a JPEG, PNG or WebP file") from error
    if width * height > MAX_IMAGE_PIXELS:
        megapixels = MAX_IMAGE_PIXELS // 1_000_000
        raise ConfigError(f"the picture has more than {megapixels} million pixels; send a smaller one")


def _api_routes(live: Live) -> APIRouter:
    router = APIRouter(responses=_REFUSALS)

    def answer(text: str | None, image: bytes | None, top_k: int) -> SearchAnswer:
<<<<<<< HEAD
        hits = live.current.engine.search(text=text, image=image, top_k=top_k)
        return SearchAnswer(hits=[HitAnswer.of(hit) for hit in hits])
=======
        found = engine.search(SearchQuery(text=text, image=image, top_k=top_k))
        return SearchAnswer(hits=[HitAnswer.of(hit) for hit in found.hits])
>>>>>>> bea9b4e65ffa92b55b44557d8fef635456510b2d

    @router.get("/search")
    def search_text(q: QueryText = None, top_k: TopK = 24) -> SearchAnswer:
        """Find products by text."""
        return answer(q, None, top_k)

    @router.post("/search")
    def search_picture(picture: Picture = None, q: FormText = None, top_k: TopK = 24) -> SearchAnswer:
        """Find products by a picture, with or without a text."""
        image = picture.file.read(MAX_UPLOAD_BYTES + 1) if picture is not None else None
        if image:
            check_picture(image)
        return answer(q, image, top_k)

    @router.get("/products/{product_id:path}/image", response_class=Response)
    def product_image(product_id: str) -> Response:
        """The main picture of a listing."""
        image = live.current.engine.picture(product_id)
        media_type = picture_type(image) if image is not None else None
        if media_type is None:
            raise HTTPException(404, f"no picture of a product with the id {product_id!r:.80}")
        return Response(image, media_type=media_type, headers={"Cache-Control": "private, max-age=3600"})

    @router.get("/healthz")
    def health() -> Health:
        """Whether the service answers."""
        return Health(status="ok", num_products=live.current.engine.num_products)

    return router


class _Server(uvicorn.Server):
    """A uvicorn server that tells its address once it listens."""

    def __init__(self, config: uvicorn.Config, *, on_ready: Callable[[str], None] | None, url: str) -> None:
        super().__init__(config)
        self._on_ready, self._url = on_ready, url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self._on_ready is not None:
            self._on_ready(self._url)


def _listening_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in (port, 0) if port == DEFAULT_PORT else (port,):
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, candidate))
            listener.listen()
        except (OSError, OverflowError) as error:
            listener.close()
            fault = error
        else:
            return listener
    raise ConfigError(f"can't listen on {host} port {port} ({fault}); choose another with --port") from fault


def _page_address(host: str, port: int) -> str:
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{reached}:{port}/"
