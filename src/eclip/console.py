"""What commands say to a person: plain lines on stderr, tables and results on stdout."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

_COMMANDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all controls but tab and line feed


def printable(text: str) -> str:
    """A text without characters that command a terminal: those of a feed could write the clipboard."""
    return _COMMANDING.sub("?", text)


def say(line: str) -> None:
    """A remark beside the result."""
    sys.stderr.write(printable(line) + "\n")


def print_line(line: str) -> None:
    """A line of the result itself."""
    sys.stdout.write(printable(line) + "\n")


def print_facts(title: str, facts: Iterable[tuple[str, object]]) -> None:
    """A small two-column table; what comes from a feed is printed as it is, never as markup."""
    print_table(title, ("", ""), [(name, _plain(value)) for name, value in facts], header=False)


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]], *, header: bool = True) -> None:
    """A table with a title."""
    table = Table(
        title=Text(printable(title), style="bold"), title_justify="left", show_header=header, box=None, pad_edge=False
    )
    for number, name in enumerate(columns):
        table.add_column(name, overflow="fold", style="dim" if number == 0 and not header else None)
    for row in rows:
        table.add_row(*(Text(_plain(value)) for value in row))
    Console(file=sys.stdout, highlight=False).print(table)


def box_as_line(box: str) -> str:
    """What the command line's parser draws as a box of many lines, in one: the fault, suggestions, where help is.

    Descriptions of options, which stand indented below their names, are left to the help.
    """
    lines = [line[1:].rstrip("│ ") for line in box.splitlines()[1:]]  # without frame; it is of blanks where no UTF-8 is
    told = [line for line in lines if not line.startswith((" " * 6, "──╯"))]
    sections = [" ".join(part.split()) for part in re.split(r"[─╯-]{5,}", "\n".join(told))]
    help_at = next((found.group(1) for part in sections if (found := _HELP.match(part))), None)
    said = [part.rstrip(".") for part in sections if part and not part.startswith(("For full help", "Argument help"))]
    line = re.sub(r":\.", ":", "; ".join(said)) or " ".join(box.split())
    value = _VALUE.match(line)
    if value:
        line = f"{value['option']} {value['given']}: expected {value['kinds'].rpartition('|')[2]}"
    return f"{line} (help: {help_at})" if help_at else line


_HELP = re.compile(r"For full helptext, (?:run|see):? (.+)")
_VALUE = re.compile(
    r"Error parsing (?P<option>\S+): no type matching (?P<kinds>\S+) could be .* from \['(?P<given>.*?)'\]"
)


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, int):
        return f"{value:,}"
    return printable(str(value))
