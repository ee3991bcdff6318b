"""`eclip doctor`: what is wrong with an installation, a store or a model, and what to do about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from eclip.commands.arguments import MaybeStoreArgument

if TYPE_CHECKING:
    from eclip.doctor.checkup import Check

MaybeModelArgument = Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="MODEL")]


@dataclass(frozen=True)
class Diagnosis:
    """All that was looked at."""

    checks: Sequence[Check]
    as_json: bool

    @property
    def exit_status(self) -> int:
        """1 where something will fail, else 0."""
        return int(any(check.state == "fault" for check in self.checks))


def doctor(store: MaybeStoreArgument = None, model: MaybeModelArgument = None, /, *, json: bool = False) -> Diagnosis:
    """Check this installation, and a store and a model if named: what is wrong, and what to do. Changes nothing.

    Exits 1 where something will fail. A model folder may stand in the place of the store.

    Args:
        store: Made by `eclip prepare`; or a model.
        model: Made by `eclip train`; with a store, also whether they belong together.
        json: One JSON object a line, for programs.
    """
    from eclip.doctor.installation import check_installation
    from eclip.doctor.models import check_model, model_digest
    from eclip.doctor.stores import check_store

    if store is not None and model is None and _is_model(Path(store)):
        model, store = Path(store), None
    checks = check_installation()
    if store is not None:
        checks += check_store(store, model_digest=model_digest(model) if model else None)
    if model is not None:
        checks += check_model(model)
    return Diagnosis(checks, json)


def _is_model(folder: Path) -> bool:
    from eclip.schema import MODEL_MANIFEST, MODEL_RUN

    return any((folder / each).exists() for each in (MODEL_MANIFEST, MODEL_RUN))


def show_diagnosis(diagnosis: Diagnosis) -> None:
    """Print every check, faults last, so that they are what is seen."""
    import json

    from eclip.console import print_line, print_table

    if diagnosis.as_json:
        for check in diagnosis.checks:
            print_line(json.dumps(dataclasses.asdict(check), ensure_ascii=False))
        return
    for subject in dict.fromkeys(check.subject for check in diagnosis.checks):
        rows = [
            (_MARKS[check.state], check.name, check.found) for check in diagnosis.checks if check.subject == subject
        ]
        print_table(subject.capitalize(), ("", "", ""), rows, header=False)
    for state, words in (("note", "to know"), ("fault", "to mend")):
        told = [check for check in diagnosis.checks if check.state == state and check.advice]
        for check in told:
            print_line(f"{words}: {check.subject}, {check.name}: {check.found}; {check.advice}")
    num = sum(check.state == "fault" for check in diagnosis.checks)
    print_line(f"{num} faults" if num else "no fault found")


_MARKS = {"good": "ok", "note": "-", "fault": "FAULT"}
