"""What commands say to a person: plain lines on stderr, tables and results on stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text


def say(line: str) -> None:
    """A remark beside the result."""
    sys.stderr.write(line + "\n")


def print_line(line: str) -> None:
    """A line of the result itself."""
    sys.stdout.write(line + "\n")


def print_facts(title: str, facts: Iterable[tuple[str, object]]) -> None:
    """A small two-column table; what comes from a feed is printed as it is, never as markup."""
    print_table(title, ("", ""), [(name, _plain(value)) for name, value in facts], header=False)


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]], *, header: bool = True) -> None:
    """A table with a title."""
    table = Table(title=Text(title, style="bold"), title_justify="left", show_header=header, box=None, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, overflow="fold", style="dim" if number == 0 and not header else None)
    for row in rows:
        table.add_row(*(Text(_plain(value)) for value in row))
    Console(file=sys.stdout, highlight=False).print(table)


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
