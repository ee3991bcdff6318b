"""eclip: a vision-language model of a shop's own catalogue.

Every command of the command line is a function here: `eclip.run("feed.csv", out="result")`. Nothing heavy is
loaded before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from eclip.errors import EclipError
from eclip.version import __version__

if TYPE_CHECKING:
    from eclip.commands.demo import demo
    from eclip.commands.embed import embed
    from eclip.commands.enrich import enrich
    from eclip.commands.evaluate import evaluate
    from eclip.commands.fit import fit
    from eclip.commands.prepare import prepare
    from eclip.commands.run import run
    from eclip.commands.sample import sample
    from eclip.commands.search import search
    from eclip.commands.serve import serve
    from eclip.commands.train import train
    from eclip.model.folder import load_model

_COMMANDS = (
    "demo",
    "embed",
    "enrich",
    "evaluate",
    "fit",
    "prepare",
    "run",
    "sample",
    "search",
    "serve",
    "train",
)
_HOMES = {"load_model": "eclip.model.folder", **{name: f"eclip.commands.{name}" for name in _COMMANDS}}

__all__ = [
    "EclipError",
    "__version__",
    "demo",
    "embed",
    "enrich",
    "evaluate",
    "fit",
    "load_model",
    "prepare",
    "run",
    "sample",
    "search",
    "serve",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'eclip' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
