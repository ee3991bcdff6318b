"""store.json: written last, it says that a store is whole and which versions of its datasets count."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from eclip.products.place import StorePlace
from eclip.schema import CONFLICTS_DATASET, CORRECTIONS_DATASET, PRODUCTS_DATASET, REJECTS_DATASET, STORE_MANIFEST

DATASET_VERSION = "dataset_version"  # the version of the products that counts
REJECTS_VERSION = "rejects_version"  # likewise of the rejects
CONFLICTS_VERSION = "conflicts_version"  # likewise of the conflicts
VERSION_KEYS = {
    PRODUCTS_DATASET: DATASET_VERSION,
    REJECTS_DATASET: REJECTS_VERSION,
    CONFLICTS_DATASET: CONFLICTS_VERSION,
}
CORRECTIONS_VERSION = "corrections_version"  # likewise of the corrections; missing where there are none
PAIRS_CHECK = "pairs_check"  # what the last check of pictures against titles found
VECTORS_MODEL = "vectors_model"  # digest of the model whose vectors lie there, or null
# What every command that reads a finished store takes for granted in its manifest.
REQUIRED_KEYS = (
    *("digest", "num_rows", "columns", "column_map", "titles", "summary"),
    *(DATASET_VERSION, REJECTS_VERSION, VECTORS_MODEL),
)


def version_keys(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The datasets of a store with this manifest, each with the key of its version."""
    return VERSION_KEYS | ({CORRECTIONS_DATASET: CORRECTIONS_VERSION} if CORRECTIONS_VERSION in manifest else {})


def read_manifest(place: StorePlace) -> dict[str, Any] | None:
    """What store.json of this place says; None if it is missing or damaged."""
    text = place.read_text(STORE_MANIFEST)
    try:
        manifest = json.loads(text or "")
    except ValueError:
        return None
    return manifest if isinstance(manifest, dict) else None


def write_manifest(place: StorePlace, manifest: dict[str, Any]) -> None:
    """Put store.json in place, in one step: the store is whole from then on."""
    place.write_text(STORE_MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2))
