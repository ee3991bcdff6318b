"""`eclip fit`: the five tasks learn from the store's vectors, or matching from a file of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eclip.commands.arguments import MaybeStoreArgument, require_seed
from eclip.errors import ConfigError
from eclip.files import writing

if TYPE_CHECKING:
    import numpy as np

    from eclip.model.encoder import Encoder
    from eclip.products.store import Store
    from eclip.tasks.attributes.extraction import TitleSource
    from eclip.tasks.fit import FitSummary
    from eclip.tasks.heads.linear import HeadKind
    from eclip.tasks.matching.pairfit import PairFitSummary

TaskName = Literal["category", "attributes", "matching", "clustering", "adult"]
HeadChoice = Literal["linear", "mlp", "best"]


def fit(
    store: MaybeStoreArgument = None,
    /,
    *,
    model: Path,
    task: TaskName | None = None,
    heads: HeadChoice = "linear",
    categories: Path | None = None,
    pairs: Path | None = None,
    seed: int = 0,
) -> list[FitSummary] | PairFitSummary:
    """Fit the five tasks on the vectors in the store, into MODEL/tasks; or matching alone on a file of pairs.

    Tasks whose labels the store lacks are left out, with the reason.

    Args:
        store: With vectors of this model, by `eclip embed STORE --model MODEL`.
        model: Made by `eclip train`.
        task: Only this one.
        heads: What heads over vectors are: linear, mlp (one hidden layer), or best of both by validation loss, each
            for itself; takes about twice the time.
        categories: Text file of category paths ("Apparel > Shirts"), one a line, that listings may be of even where
            none is labelled so; without labels their names alone answer.
        pairs: Instead of a store, with --task matching: lines `left TAB right TAB 0/1` in COL/VAL form, or CSV with the
            columns left, right and label.
        seed: Decides sampled pairs and the order of fitting.
    """
    require_seed(seed)
    if (store is None) == (pairs is None):
        raise ConfigError("name a store, or a file of pairs: eclip fit --task matching --pairs PAIRS --model MODEL")
    if pairs is not None:
        if task != "matching":
            raise ConfigError("a file of pairs teaches matching alone: add --task matching")
        if heads != "linear" or categories is not None:
            raise ConfigError("--heads and --categories are for the tasks of a store: leave them out beside --pairs")
        return _fit_pairs(Path(pairs), Path(model), seed=seed)
    return _fit_store(
        store or "",
        Path(model),
        tasks=None if task is None else (task,),
        kinds=("linear", "mlp") if heads == "best" else (heads,),
        categories=Path(categories) if categories else None,
        seed=seed,
    )


def _fit_store(
    store: str | Path,
    model: Path,
    *,
    tasks: Sequence[str] | None,
    kinds: Sequence[HeadKind],
    categories: Path | None,
    seed: int,
) -> list[FitSummary]:
    from eclip.model.folder import load_model, read_manifest
    from eclip.products.store import Store
    from eclip.schema import MODEL_TASKS
    from eclip.tasks.attributes.targets import NAME as ATTRIBUTES
    from eclip.tasks.catalogue import read_catalogue
    from eclip.tasks.category.names import read_names
    from eclip.tasks.fit import fit_tasks
    from eclip.tasks.taskfiles import TASKS

    opened = Store.open(store)
    catalogue = read_catalogue(opened, read_manifest(model)["digest"])
    folder, wanted = model / MODEL_TASKS, TASKS if tasks is None else tasks
    leaves = read_names(categories) if categories else ()

    def encode_text(texts: Sequence[str]) -> np.ndarray:
        return load_model(model).encode_text(texts)  # loaded only where labels are few

    with writing(folder):
        titles = title_source(opened, load_model(model)) if ATTRIBUTES in wanted else None
        return fit_tasks(
            catalogue,
            folder,
            tasks=wanted,
            seed=seed,
            titles=titles,
            leaves=leaves,
            encode_text=encode_text,
            kinds=kinds,
        )


def title_source(store: Store, encoder: Encoder) -> TitleSource:
    """What values in titles are learned from: columns of the store, and the text tower."""
    from eclip.tasks.attributes.extraction import COLUMNS, TitleSource
    from eclip.tasks.attributes.spans.states import TokenStates

    table = store.table(COLUMNS)
    columns = {name: table[name].to_pylist() for name in COLUMNS}
    return TitleSource(columns=columns, tower=TokenStates.of(encoder))


def _fit_pairs(pairs: Path, model: Path, *, seed: int) -> PairFitSummary:
    from eclip.console import say
    from eclip.model.folder import load_model, read_manifest
    from eclip.products.pairsfile import read_pairs_file
    from eclip.schema import MODEL_TASKS
    from eclip.tasks.matching.pairfit import fit_on_pairs

    read = read_pairs_file(pairs)
    told = read.told()
    if told:
        say(told)
    manifest = read_manifest(model)
    folder = model / MODEL_TASKS
    with writing(folder):
        return fit_on_pairs(
            read,
            lambda titles: load_model(model).encode_text(titles),
            folder,
            model_digest=manifest["digest"],
            learned_from=manifest.get("facts", {}).get("store_digest"),
            seed=seed,
        )
