"""`eclip fit`: the five tasks learn from the store's vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eclip.commands.arguments import StoreArgument, require_seed
from eclip.files import writing

if TYPE_CHECKING:
    import numpy as np

    from eclip.tasks.fit import FitSummary

TaskName = Literal["category", "attributes", "matching", "clustering", "adult"]


def fit(
    store: StoreArgument,
    /,
    *,
    model: Path,
    task: TaskName | None = None,
    categories: Path | None = None,
    seed: int = 0,
) -> list[FitSummary]:
    """Fit the five tasks on the vectors in the store, into MODEL/tasks.

    Tasks whose labels the store lacks are left out, with the reason.

    Args:
        store: With vectors of this model, by `eclip embed STORE --model MODEL`.
        model: Made by `eclip train`.
        task: Only this one.
        categories: Text file of category paths ("Apparel > Shirts"), one a line, that listings may be of even where
            none is labelled so; without labels their names alone answer.
        seed: Decides sampled pairs and the order of fitting.
    """
    from eclip.model.folder import load_model, read_manifest
    from eclip.products.store import Store
    from eclip.schema import MODEL_TASKS
    from eclip.tasks.catalogue import read_catalogue
    from eclip.tasks.category.names import read_names
    from eclip.tasks.fit import fit_tasks
    from eclip.tasks.taskfiles import TASKS

    require_seed(seed)
    digest = read_manifest(Path(model))["digest"]
    catalogue = read_catalogue(Store.open(store), digest)
    tasks = TASKS if task is None else (task,)
    folder = Path(model) / MODEL_TASKS
    leaves = read_names(Path(categories)) if categories else ()

    def encode_text(texts: Sequence[str]) -> np.ndarray:
        return load_model(model).encode_text(texts)  # loaded only where labels are few

    with writing(folder):
        return fit_tasks(catalogue, folder, tasks=tasks, seed=seed, leaves=leaves, encode_text=encode_text)
