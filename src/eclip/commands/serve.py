"""`eclip serve`: the search page and the JSON API over a store."""

from __future__ import annotations

import sys
from pathlib import Path

from eclip.commands.arguments import BackendArgument, StoreArgument, require_positive
from eclip.errors import ConfigError


def serve(
    store: StoreArgument,
    /,
    *,
    model: Path,
    report: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
    api_keys: Path | None = None,
    rate: float | None = None,
    allow_corrections: bool = False,
    backend: BackendArgument = "auto",
) -> None:
    """Serve a search page and a JSON API until Ctrl-C; newer versions of store and model are taken up meanwhile.

    Args:
        store: With vectors of this model.
        model: Made by `eclip train`.
        report: Folder of `eclip evaluate`, to show its report too.
        host: Address to listen on; 0.0.0.0 lets other machines in.
        port: Port to listen on.
        api_keys: File of keys, one a line, of which each request must carry one; without it everybody may ask.
        rate: Requests a second that each key (without keys, each address) may go on sending.
        backend: What runs the towers, as in `eclip embed`; auto takes what an earlier trial found best on this machine.
        allow_corrections: Let whoever may ask correct listings of the store, on the page or by POST /corrections.
    """
    from eclip.schema import REPORT_PAGE
    from eclip.serve.app import create_app
    from eclip.serve.desk import Desk
    from eclip.serve.keys import ApiKeys
    from eclip.serve.live import Live
    from eclip.serve.logs import log_as_json
    from eclip.serve.metrics import Metrics
    from eclip.serve.opening import ShopSource
    from eclip.serve.origins import is_loopback
    from eclip.serve.rate import RateLimit
    from eclip.serve.server import serve_app

    page = Path(report) / REPORT_PAGE if report else None
    if page is not None and not page.is_file():
        raise ConfigError(f"--report {report}: holds no {REPORT_PAGE}; make one with `eclip evaluate`")
    require_positive("rate", rate)
    keys = ApiKeys.read(Path(api_keys)) if api_keys else None
    metrics = Metrics()
    desk = Desk(
        live=Live.of(ShopSource(store, Path(model), backend=backend, on_batch=metrics.count_batch)), metrics=metrics
    )
    app = create_app(
        desk,
        report=page,
        keys=keys,
        rate=RateLimit(rate) if rate else None,
        allow_corrections=allow_corrections,
        for_this_machine=keys is None and is_loopback(host),
    )
    log_as_json()
    serve_app(app, desk, host=host, port=port, on_ready=_say_where)


def _say_where(url: str) -> None:
    sys.stderr.write(f"Search page: {url}  (Ctrl-C ends it)\n")
