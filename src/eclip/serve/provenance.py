"""What a version of the service is made of: the way back from an answer to model, store and feed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from eclip.lineage import lineage, store_facts
from eclip.serve.live import Snapshot


def provenance(snapshot: Snapshot) -> dict[str, Any]:
    """The lineage of all answers of a snapshot, as files of answers carry it; of paths, the last name only."""
    store = None if snapshot.store is None else store_facts(snapshot.store.manifest, snapshot.store.place)
    told = lineage(model=snapshot.model, store=store, feed=None)
    del told["feed"]  # each request brings its own listings
    return {"version": snapshot.version, **_without_folders(told)}


def _without_folders(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_folders(value)
        if isinstance(value, Mapping)
        else PurePath(value).name
        if name == "path" and value
        else value
        for name, value in told.items()
    }
