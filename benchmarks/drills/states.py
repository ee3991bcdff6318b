"""What a reader finds in a folder: digests of all that must be the same after a rerun, and the names of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from eclip.errors import ModelError, StoreError
from eclip.products.place import StoreName
from eclip.products.store import Store
from eclip.schema import EMBEDDING_COLUMNS, MODEL_TASKS, STORE_CACHE, STORE_INDEX
from eclip.search.indexfiles import read_index
from eclip.tasks.taskfiles import TASK_FILE, TASK_VERSION, read_versioned, readable

State = dict[str, str]
Look = Callable[[Path], State]


def content(state: State) -> State:
    """A state without the names of files: what a reader sees."""
    return {name: value for name, value in state.items() if not name.startswith(("beside", "inside"))}


def names_only(state: State) -> State:
    """The moment between two renames: the old store aside, the new one not yet in its place."""
    return {name: value for name, value in state.items() if name.startswith("beside")}


def store_state(folder: Path) -> State:
    """A store but for its vectors, and the names of what lies there."""
    return _names(folder) | state_of_store(folder / "store", with_vectors=False)


def embedded_state(folder: Path) -> State:
    """A store and its vectors, to the bit, and what its cache holds."""
    return _names(folder) | state_of_store(folder / "store") | _names(folder / "store" / STORE_CACHE)


def state_of_store(name: StoreName, *, with_vectors: bool = True) -> State:
    """A digest a column, rejects, conflicts; nothing where there is no store."""
    try:
        store = Store.open(name)
    except StoreError:
        return {}
    there = store.place.names() if str(name).startswith("s3://") else {path.name for path in Path(name).iterdir()}
    state = {f"inside {each}": "" for each in there}
    names = [each for each in store.column_names if with_vectors or each not in EMBEDDING_COLUMNS]
    state |= {each: digest(values) for each, values in store.table(names).to_pydict().items()}
    state["rejects"] = digest(store.rejects().to_pylist())
    state["conflicts"] = digest(store.conflicts().to_pylist())
    return state | {"manifest digest": store.digest, "vectors": str(store.vectors_digest)}


def tasks_state(folder: Path) -> State:
    """Each fitted task that can be opened: a digest of all its files."""
    tasks = folder / "model" / MODEL_TASKS
    state = _names(folder / "model") | _names(tasks)
    for task in sorted(path for path in tasks.glob("*") if path.is_dir() and not path.name.startswith(".")):
        try:
            with readable(task, TASK_FILE):
                read_versioned(task / TASK_FILE, TASK_VERSION)
        except ModelError as fault:
            state[f"task {task.name}"] = f"can't be read: {fault}"
            continue
        told = hashlib.sha256()
        for file in sorted(path for path in task.rglob("*") if path.is_file()):
            told.update(f"{file.relative_to(task)}:".encode() + file.read_bytes())
        state[f"task {task.name}"] = told.hexdigest()[:16]
    return state


def index_state(folder: Path) -> State:
    """The index that counts: digests of its files, all of which must be there; how many folders lie there."""
    place = Store.open(folder / "store").place
    index = folder / "store" / STORE_INDEX
    state = {f"inside {number} folders": "" for number in [len(list(index.iterdir())) if index.is_dir() else 0]}
    found = read_index(place)
    if found is None:
        return state
    for file in sorted((index / found.facts["folder"]).iterdir()):
        blob = found.blob(file.name)
        if file.suffix == ".faiss":
            state[file.name] = digest(blob)
        else:
            arrays = sorted(found.arrays(file.name).items())
            state[file.name] = digest([(name, array.tolist()) for name, array in arrays])
    return state | {"facts": digest(sorted((key, value) for key, value in found.facts.items() if key != "folder"))}


def answers_state(folder: Path) -> State:
    """The file of answers, and what lies beside it."""
    file = folder / "answers.jsonl"
    return _names(folder) | ({"answers": digest(file.read_bytes())} if file.is_file() else {})


def digest(values: object) -> str:
    """A short digest of plain values."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def _names(folder: Path) -> State:
    return {f"beside {path.name}": "" for path in folder.iterdir()} if folder.is_dir() else {}
