"""The files of a store's index: a folder for each version, and a pointer to the one that counts, put in place last.

Any number of services read the same one, from a folder or from object storage; who has begun to read the version
before can finish, as it stays until the next but one is written.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from eclip.errors import StoreError
from eclip.products.place import StorePlace
from eclip.products.store import Store
from eclip.schema import INDEX_VERSION, STORE_INDEX, STORE_INDEX_POINTER

_FOLDER = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class SavedIndex:
    """One version of an index, its files read when asked for.

    Attributes:
        place: The store's.
        facts: What the pointer says of it.
    """

    place: StorePlace
    facts: Mapping[str, Any]

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """A file of arrays.

        Raises:
            StoreError: It is missing or damaged.
        """
        try:
            return dict(load(self.blob(name)))
        except StoreError:
            raise
        except Exception as fault:
            raise StoreError(f"{self.place}: {name} of its index is damaged ({fault}); {_advice(self.place)}") from None

    def blob(self, name: str) -> bytes:
        """A file as it is.

        Raises:
            StoreError: It is missing.
        """
        found = self.place.read_bytes(f"{STORE_INDEX}/{self.facts['folder']}/{name}")
        if found is None:
            raise StoreError(f"{self.place}: {name} of its index is missing; {_advice(self.place)}")
        return found


def read_index(place: StorePlace) -> SavedIndex | None:
    """The index that counts; None where there is none, or one of another version of eclip."""
    text = place.read_text(STORE_INDEX_POINTER)
    try:
        facts = json.loads(text or "")
    except ValueError:
        return None
    if not isinstance(facts, dict) or facts.get("version") != INDEX_VERSION:
        return None
    # A store may come from strangers: what is read here by this name must lie in it.
    folder = facts.get("folder")
    return SavedIndex(place, facts) if isinstance(folder, str) and _FOLDER.fullmatch(folder) else None


def new_folder() -> str:
    """A name for the folder of a version to come; what is written there counts for nothing until `write_index`."""
    return secrets.token_hex(8)


def dataset_address(place: StorePlace, folder: str, name: str) -> str:
    """Where the version of a folder keeps a dataset."""
    return place.dataset(f"{STORE_INDEX}/{folder}/{name}.lance")


def write_index(
    store: Store,
    folder: str,
    facts: Mapping[str, Any],
    arrays: Mapping[str, Mapping[str, np.ndarray]],
    blobs: Mapping[str, bytes],
    datasets: Collection[str] = (),
) -> None:
    """Write a new version, and make it the one that counts.

    Args:
        store: As it was when the index was made.
        folder: As `new_folder` gave it.
        facts: What to say of it, as JSON.
        arrays: File name -> arrays.
        blobs: File name -> bytes.
        datasets: Those that were written there already, by name.

    Raises:
        StoreError: Another process is writing the store, or has written it or its index meanwhile.
        DiskError: The disk is full.
    """
    place = store.place
    with store.changing():
        before = read_index(place)
        if {f"{name}.lance" for name in datasets} - place.names_in(f"{STORE_INDEX}/{folder}"):
            raise StoreError(
                f"{place}: another `eclip index` ended meanwhile and cleared this one's lists; run it again"
            )
        for name, held in arrays.items():
            data = save({key: np.ascontiguousarray(array) for key, array in held.items()})
            place.write_bytes(f"{STORE_INDEX}/{folder}/{name}", data)
        for name, blob in blobs.items():
            place.write_bytes(f"{STORE_INDEX}/{folder}/{name}", blob)
        place.write_text(
            STORE_INDEX_POINTER, json.dumps({**facts, "version": INDEX_VERSION, "folder": folder}, indent=2)
        )
        kept = {Path(STORE_INDEX_POINTER).name, folder, before.facts["folder"] if before else folder}
        for name in place.names_in(STORE_INDEX) - kept:  # older versions, and what killed runs left
            place.remove(f"{STORE_INDEX}/{name}")


def _advice(place: StorePlace) -> str:
    return f"run `eclip index {place} --model MODEL` again"
