"""eclip: a vision-language model of a shop's own catalogue.

Every command of the command line is a function here: `eclip.run("feed.csv", out="result")`. Nothing heavy is
loaded before it is used.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from eclip.errors import EclipError
from eclip.version import __version__

if TYPE_CHECKING:
    from eclip.commands.compact import compact
    from eclip.commands.correct import correct
    from eclip.commands.daily import daily
    from eclip.commands.delete import delete
    from eclip.commands.demo import demo
    from eclip.commands.doctor import doctor
    from eclip.commands.embed import embed
    from eclip.commands.enrich import enrich
    from eclip.commands.evaluate import evaluate
    from eclip.commands.fit import fit
    from eclip.commands.lineage import lineage
    from eclip.commands.match import match
    from eclip.commands.prepare import prepare
    from eclip.commands.review import review
    from eclip.commands.run import run
    from eclip.commands.sample import sample
    from eclip.commands.search import search
    from eclip.commands.sellers import sellers
    from eclip.commands.serve import serve
    from eclip.commands.train import train
    from eclip.model.folder import load_model

_COMMANDS = (
    "compact",
    "correct",
    "daily",
    "delete",
    "demo",
    "doctor",
    "embed",
    "enrich",
    "evaluate",
    "fit",
    "lineage",
    "match",
    "prepare",
    "review",
    "run",
    "sample",
    "search",
    "sellers",
    "serve",
    "train",
)

__all__ = [
    "EclipError",
    "__version__",
    "compact",
    "correct",
    "daily",
    "delete",
    "demo",
    "doctor",
    "embed",
    "enrich",
    "evaluate",
    "fit",
    "lineage",
    "load_model",
    "match",
    "prepare",
    "review",
    "run",
    "sample",
    "search",
    "sellers",
    "serve",
    "train",
]


class _CommandPackage(ModuleType):
    """A package that can be called as the command of its name: `eclip.train(...)` beside `eclip.train.trainer`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _command(self.__name__.rpartition(".")[2])(*args, **kwargs)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(_command(self.__name__.rpartition(".")[2]))


class _Eclip(ModuleType):
    """This package; Python hangs a loaded package below it under its name, in the place of the command."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in _COMMANDS and isinstance(value, ModuleType):
            value.__class__ = _CommandPackage
        super().__setattr__(name, value)


def _command(name: str) -> Callable[..., Any]:
    command: Callable[..., Any] = getattr(import_module(f"eclip.commands.{name}"), name)
    return command


def __getattr__(name: str) -> Any:
    if name == "load_model":
        return import_module("eclip.model.folder").load_model
    if name in _COMMANDS:
        return _command(name)
    raise AttributeError(f"module 'eclip' has no attribute {name!r}")


sys.modules[__name__].__class__ = _Eclip
