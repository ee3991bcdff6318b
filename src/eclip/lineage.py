"""Where an answer comes from: the model, the store it was trained on or compared with, and their feeds.

Files of answers carry it: Parquet as key-value metadata under `METADATA_KEY`, other files as JSON beside them
(`sidecar`). No time is in it, so that the same input gives the same file; the file's own time tells.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from eclip.files import write_text
from eclip.version import __version__

METADATA_KEY = "eclip.lineage"


def model_facts(manifest: Mapping[str, Any], path: object) -> dict[str, Any]:
    """What tells of a model: digest, the store that it has learned from, and how it was made."""
    facts = manifest.get("facts", {})
    kept = ("encoder", "recipe", "seed", "run_steps", "store_digest", "init")
    return {
        "path": None if path is None else str(path),
        "digest": manifest.get("digest"),
        "eclip": manifest.get("eclip_version"),
        **{name: facts[name] for name in kept if name in facts},
    }


def store_facts(manifest: Mapping[str, Any], place: object) -> dict[str, Any]:
    """What tells of a store: digest, version of its products, and the feed that it was made of."""
    return {
        "path": str(place),
        "digest": manifest.get("digest"),
        "dataset_version": manifest.get("dataset_version"),
        "eclip": manifest.get("eclip"),
        "rows": manifest.get("num_rows"),
        "vectors_model": manifest.get("vectors_model"),
        "feed": manifest.get("feed"),
        "last_update": (manifest.get("updated") or {}).get("feed"),
    }


def lineage(*, model: Mapping[str, Any] | None, store: Mapping[str, Any] | None, feed: object) -> dict[str, Any]:
    """The whole of it, for a file.

    Args:
        model: As `model_facts` gives it.
        store: As `store_facts` gives it; None = nothing was compared with a store.
        feed: What was answered: path, bytes and time of a feed, or None where it was the store itself.
    """
    return {"eclip": __version__, "model": model, "store": store, "feed": feed}


def metadata(told: Mapping[str, Any]) -> dict[str, str]:
    """As Parquet files keep it."""
    return {METADATA_KEY: json.dumps(told, ensure_ascii=False, sort_keys=True)}


def sidecar(file: Path) -> Path:
    """Where the lineage of a file that is no Parquet lies."""
    return file.with_name(f"{file.name}.lineage.json")


def write_sidecar(file: Path, told: Mapping[str, Any]) -> None:
    """Write it beside a file that is no Parquet.

    Raises:
        DiskError: The disk is full, or the place can't be written.
    """
    write_text(sidecar(file), json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def read_lineage(file: Path) -> dict[str, Any] | None:
    """The lineage of a file of answers or vectors; None where it carries none, or can't be read."""
    try:
        if file.suffix == ".parquet":
            text = (pq.read_schema(file).metadata or {}).get(METADATA_KEY.encode())
        else:
            text = sidecar(file).read_bytes()
        told = json.loads(text) if text else None
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None
