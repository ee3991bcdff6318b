"""One thing that was looked at: what was found, and what to do where it is not as it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["good", "note", "fault"]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    subject: str
    """installation, store or model."""
    name: str
    state: State
    """good; note: works, but something is missing or odd; fault: something will fail."""
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Patient:
    """Makes the checks of one subject; whatever fails while looking becomes one line."""

    subject: str

    def good(self, name: str, found: str) -> Check:
        """As it should be."""
        return Check(subject=self.subject, name=name, state="good", found=found)

    def note(self, name: str, found: str, advice: str = "") -> Check:
        """Works, but something is missing or odd."""
        return Check(subject=self.subject, name=name, state="note", found=found, advice=advice)

    def fault(self, name: str, found: str, advice: str) -> Check:
        """Something will fail."""
        return Check(subject=self.subject, name=name, state="fault", found=found, advice=advice)

    def look(self, name: str, looking: Callable[[], Iterable[Check]], *, advice: str) -> list[Check]:
        """The checks that a function makes; a damaged file or library is told as a fault, never as a traceback.

        Args:
            name: What it looks at.
            looking: Makes the checks.
            advice: What to do where it can't even look.
        """
        try:
            return list(looking())
        except Exception as fault:  # whatever a broken library or file raises is what the user asked about
            lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
            return [self.fault(name, lines[0] if lines else type(fault).__name__, advice)]
