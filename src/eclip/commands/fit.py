"""`eclip fit`: the five tasks learn from the store's vectors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eclip.commands.arguments import StoreArgument, require_seed
from eclip.files import writing

if TYPE_CHECKING:
    from eclip.products.store import Store
    from eclip.tasks.attributes.extraction import TitleSource
    from eclip.tasks.fit import FitSummary

TaskName = Literal["category", "attributes", "matching", "clustering", "adult"]


def fit(store: StoreArgument, /, *, model: Path, task: TaskName | None = None, seed: int = 0) -> list[FitSummary]:
    """Fit the five tasks on the vectors in the store, into MODEL/tasks.

    Tasks whose labels the store lacks are left out, with the reason.

    Args:
        store: With vectors of this model, by `eclip embed STORE --model MODEL`.
        model: Made by `eclip train`.
        task: Only this one.
        seed: Decides sampled pairs and the order of fitting.
    """
    from eclip.model.folder import read_manifest
    from eclip.products.store import Store
    from eclip.schema import MODEL_TASKS
    from eclip.tasks.attributes.targets import NAME as ATTRIBUTES
    from eclip.tasks.catalogue import read_catalogue
    from eclip.tasks.fit import fit_tasks
    from eclip.tasks.taskfiles import TASKS

    require_seed(seed)
    digest = read_manifest(Path(model))["digest"]
    opened = Store.open(store)
    catalogue = read_catalogue(opened, digest)
    tasks = TASKS if task is None else (task,)
    folder = Path(model) / MODEL_TASKS
    with writing(folder):
        titles = _title_source(opened, Path(model)) if ATTRIBUTES in tasks else None
        return fit_tasks(catalogue, folder, tasks=tasks, titles=titles, seed=seed)


def _title_source(store: Store, model: Path) -> TitleSource:
    """What values in titles are learned from: columns of the store, and the text tower."""
    from eclip.model.folder import load_model
    from eclip.tasks.attributes.extraction import COLUMNS, TitleSource
    from eclip.tasks.attributes.spans.states import TokenStates

    table = store.table(COLUMNS)
    columns = {name: table[name].to_pylist() for name in COLUMNS}
    return TitleSource(columns=columns, tower=TokenStates.of(load_model(model)))
