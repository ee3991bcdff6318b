"""The command line: `eclip COMMAND ...`; each command is one function of `eclip.commands`."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tyro

from eclip.commands.cluster import cluster
from eclip.commands.compact import compact
from eclip.commands.compare import compare
from eclip.commands.correct import correct
from eclip.commands.daily import daily
from eclip.commands.delete import delete
from eclip.commands.demo import demo
from eclip.commands.doctor import doctor
from eclip.commands.embed import embed
from eclip.commands.enrich import enrich
from eclip.commands.evaluate import evaluate
from eclip.commands.export import export
from eclip.commands.fit import fit
from eclip.commands.index import index
from eclip.commands.lineage import lineage
from eclip.commands.match import match
from eclip.commands.prepare import prepare
from eclip.commands.review import review
from eclip.commands.run import run
from eclip.commands.sample import sample
from eclip.commands.search import search
from eclip.commands.sellers import sellers
from eclip.commands.serve import serve
from eclip.commands.show import show, show_hits
from eclip.commands.train import train
from eclip.console import box_as_line, say
from eclip.errors import ConfigError, EclipError
from eclip.files import writing
from eclip.train.interrupt import stop_between_steps
from eclip.version import __version__

COMMANDS: dict[str, Callable[..., Any]] = {
    "demo": demo,
    "run": run,
    "sample": sample,
    "prepare": prepare,
    "train": train,
    "embed": embed,
    "export": export,
    "fit": fit,
    "evaluate": evaluate,
    "compare": compare,
    "match": match,
    "enrich": enrich,
    "review": review,
    "correct": correct,
    "cluster": cluster,
    "daily": daily,
    "delete": delete,
    "compact": compact,
    "sellers": sellers,
    "index": index,
    "search": search,
    "serve": serve,
    "doctor": doctor,
    "lineage": lineage,
}
# The help joins lines that follow each other, so each stands alone.
DESCRIPTION = """A vision-language model of a shop's own catalogue.

The main job: eclip run FEED --out DIR (prepare, train, embed, fit, evaluate)

To see it: eclip demo

Completion: eclip --tyro-print-completion bash >> ~/.bash_completion"""

WITHOUT_TORCH = ("sample", "prepare", "delete", "compact", "correct", "doctor", "lineage")
EXIT_FAULT, EXIT_INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 2 for a fault the user can mend, 130 for Ctrl-C; 1 by `doctor`."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if "--version" in arguments[:1]:
        sys.stdout.write(f"eclip {__version__}\n")
        return 0
    try:
        _quiet_libraries()
        return _understood(arguments)()
    except EclipError as error:
        say(f"eclip: {error}")
        return EXIT_FAULT
    except KeyboardInterrupt:
        if not _is_follower():
            say("eclip: interrupted; the same command goes on where it stopped")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # `eclip search ... | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _understood(arguments: list[str]) -> Callable[[], int]:
    """The command that the arguments ask for, ready to run.

    Raises:
        ConfigError: They ask for none, or not rightly.
        SystemExit: They asked for help, which is printed.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.extras.subcommand_cli_from_dict(
                {name: _shown(name, command) for name, command in COMMANDS.items()},
                prog="eclip",
                description=DESCRIPTION,
                args=arguments,
                sort_subcommands=False,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as end:
        if not end.code:
            raise
        raise ConfigError(box_as_line(said.getvalue())) from None


def _shown(name: str, command: Callable[..., Any]) -> Callable[..., Callable[[], int]]:
    """A function that makes the command ready, its result printed; parameters and help are the command's own."""

    def ready(*args: Any, **kwargs: Any) -> Callable[[], int]:
        return functools.partial(call, *args, **kwargs)

    def call(*args: Any, **kwargs: Any) -> int:
        if name not in WITHOUT_TORCH or kwargs.get("check_with"):
            with stop_between_steps() as stop:
                import torch  # noqa: F401 - Ctrl-C in the middle of it would abort the process
            stop.raise_if_asked()
        if name == "train" and _is_follower():
            with contextlib.redirect_stderr(io.StringIO()):  # the first one tells how far they are, and the result
                command(*args, **kwargs)
            return 0
        result = command(*args, **kwargs)
        with writing(Path("standard output")):
            if name == "search":
                show_hits(result, as_json=kwargs.get("json", False))
            else:
                show(result)
            sys.stdout.flush()
        return int(getattr(result, "exit_status", 0))

    # Types of results are imported for type checkers alone, so only parameters are evaluated.
    written = {key: value for key, value in command.__annotations__.items() if key != "return"}
    types = {key: eval(value, command.__globals__) for key, value in written.items()}  # nosec B307
    parameters = inspect.signature(command).parameters.values()
    ready.__doc__, ready.__name__, ready.__annotations__ = command.__doc__, name, types
    ready.__signature__ = inspect.Signature([p.replace(annotation=types[p.name]) for p in parameters])  # type: ignore[attr-defined]
    return ready


def _is_follower() -> bool:
    """Whether this is one of the processes that torchrun started, and not the first of them."""
    return "WORLD_SIZE" in os.environ and os.environ.get("RANK", "0") != "0"


def _quiet_libraries() -> None:
    """Keep remarks of libraries that a user can do nothing about away from his terminal."""
    # Threads that wait for each other by spinning stall a machine that does anything else beside training.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("DAFT_PROGRESS_BAR", "0")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
