"""What became of a drill, and the table of all of them."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

JSON_FILE, TABLE_FILE = "drills.json", "drills.md"


@dataclass
class Outcome:
    """One row of the table.

    Attributes:
        drill: Its name, as it is run alone.
        what: What was done to what.
        times: How often that was done; 0 where it was skipped.
        faults: What was wrong, a line each; none is how it should be.
        kills: How many of these times a process was killed (-9) before it had ended by itself.
        note: A figure worth telling.
        skipped: Why it could not be done here.
        seconds: How long the drill took.
        measured: When.
        machine: Where.
    """

    drill: str
    what: str
    times: int = 0
    faults: list[str] = field(default_factory=list)
    kills: int = 0
    note: str = ""
    skipped: str = ""
    seconds: float = 0.0
    measured: str = ""
    machine: str = ""

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.skipped:
            return f"skipped: {self.skipped}"
        return f"{len(self.faults)} WRONG" if self.faults else "well"

    def tell(self, moment: str, faults: Iterable[str], ended: str = "") -> None:
        """Count one time, and print its line."""
        wrong = list(faults)
        self.times += 1
        self.kills += ended == "killed"
        self.faults += [f"{moment}: {fault}" for fault in wrong]
        print(f"  {moment:76s} {ended:18s} {'; '.join(wrong) or 'well'}", flush=True)


def keep(outcomes: Iterable[Outcome], folder: Path, *, started: float) -> None:
    """Write JSON and Markdown of these and of what lies in the folder of other drills."""
    file = folder / JSON_FILE
    known = {row["what"]: row for row in json.loads(file.read_text())} if file.is_file() else {}
    for outcome in outcomes:
        outcome.seconds = round(time.monotonic() - started, 1)
        outcome.measured = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
        outcome.machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        known[outcome.what] = asdict(outcome)
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(list(known.values()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / TABLE_FILE).write_text(table([Outcome(**row) for row in known.values()]), encoding="utf-8")


def table(outcomes: Iterable[Outcome]) -> str:
    """All outcomes as a Markdown table, and their sum."""
    rows = list(outcomes)
    lines = ["| drill | what is done | times | outcome | |", "|---|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {row.drill} | {row.what} | {row.times or '-'} | {row.verdict} | {row.note} |")
    kills, wrong = sum(row.kills for row in rows), sum(len(row.faults) for row in rows)
    return "\n".join([*lines, "", f"{kills} kills, {wrong} wrong", ""])
