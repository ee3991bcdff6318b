"""`eclip serve`: the search page over a store."""

from __future__ import annotations

import sys
from pathlib import Path

from eclip.commands.arguments import StoreArgument
from eclip.errors import ConfigError
from eclip.schema import REPORT_PAGE


def serve(
    store: StoreArgument,
    /,
    *,
    model: Path,
    report: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
) -> None:
    """Serve a search page and its JSON API until Ctrl-C.

    Args:
        store: With vectors of this model.
        model: Made by `eclip train`.
        report: Folder of `eclip evaluate`, to show its report too.
        host: Address to listen on; 0.0.0.0 lets other machines in.
        port: Port to listen on.
    """
    from eclip.model.folder import load_model
    from eclip.products.store import Store
    from eclip.search.opening import open_engine
    from eclip.serve.app import create_app, serve_app

    page = Path(report) / REPORT_PAGE if report else None
    if page is not None and not page.is_file():
        raise ConfigError(f"--report {report}: holds no {REPORT_PAGE}; make one with `eclip evaluate`")
    engine = open_engine(Store.open(store), load_model(model))
    serve_app(create_app(engine, report=page), host=host, port=port, on_ready=_say_where)


def _say_where(url: str) -> None:
    sys.stderr.write(f"Search page: {url}  (Ctrl-C ends it)\n")
