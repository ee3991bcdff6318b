"""A store: whether it is whole, what lies in it, whose vectors, and what killed runs left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from eclip.doctor.checkup import Check, Patient
from eclip.doctor.installation import disk_checks
from eclip.files import is_leftover
from eclip.products.dataset import open_dataset
from eclip.products.manifest import PAIRS_CHECK, version_keys
from eclip.products.store import Store
from eclip.products.storefolder import FolderPlace
from eclip.schema import PRODUCTS_DATASET, STORE_CACHE, STORE_INCOMING, STORE_REPORT

_MINE = Patient("store")
_ANEW = "run `eclip prepare` again"


def check_store(name: str | Path, *, model_digest: str | None = None) -> list[Check]:
    """Look at a store.

    Args:
        name: The store.
        model_digest: Of the model that is looked at beside it, None = none is.
    """
    opened: list[Store] = []

    def manifest() -> Iterator[Check]:
        store = Store.open(name)
        opened.append(store)
        made = f"version {store.manifest['version']}, by eclip {store.manifest.get('eclip', 'of unknown version')}"
        yield _MINE.good("manifest", f"{store.place}: {store.num_rows:,} listings, {made}, digest {store.digest[:16]}")

    checks = _MINE.look("manifest", manifest, advice=_ANEW)
    for store in opened:
        for topic, looking in (
            ("datasets", _datasets(store)),
            ("content", _content(store)),
            ("vectors", _vectors(store, model_digest)),
            ("index", _index(store)),
            ("pairs", _pairs(store)),
            ("leftovers", _leftovers(store)),
        ):
            checks += _MINE.look(topic, lambda found=looking: found, advice=_ANEW)  # type: ignore[misc]
    return checks


def _datasets(store: Store) -> Iterator[Check]:
    """Every dataset at the version that counts."""
    for dataset, key in version_keys(store.manifest).items():
        version = store.manifest.get(key)
        found = _MINE.look(dataset, lambda d=dataset, v=version: _rows(store, d, v), advice=_ANEW)  # type: ignore[misc]
        yield from found


def _rows(store: Store, dataset: str, version: int | None) -> Iterator[Check]:
    opened = open_dataset(store.place.dataset(dataset), version)
    rows = opened.count_rows()
    told = f"{rows:,} rows at version {opened.version}"
    if dataset == PRODUCTS_DATASET and rows != store.num_rows:
        yield _MINE.fault(dataset, f"{told}, the manifest says {store.num_rows:,}", _ANEW)
        return
    newer = opened.latest_version - opened.version
    if newer:
        advice = "they are left out when reading, and undone by the next write"
        yield _MINE.note(dataset, f"{told}; {newer} later versions of a run that did not end", advice)
    else:
        yield _MINE.good(dataset, told)


def _content(store: Store) -> Iterator[Check]:
    """The listings read back, against the digest; pictures at some places."""
    digest = hashlib.sha256()
    for told in store.table(["listing_hash"])["listing_hash"].to_pylist():
        digest.update(told.encode())
    if digest.hexdigest() != store.digest:
        yield _MINE.fault("content", f"digest {digest.hexdigest()[:16]}, the manifest says {store.digest[:16]}", _ANEW)
    else:
        yield _MINE.good("content", "listings have the digest that the manifest names")
    places = sorted({round(part * (store.num_rows - 1) / 15) for part in range(16)}) if store.num_rows else []
    pictures = store.images(places)
    yield _MINE.good("pictures", f"{sum(each is not None for each in pictures)} of {len(places)} places have one")


def _vectors(store: Store, model_digest: str | None) -> Iterator[Check]:
    embed = f"run `eclip embed {store.place} --model MODEL`"
    found = store.vectors_digest
    if found is None:
        yield _MINE.note("vectors", "none, or not of every listing: search and tasks need them", embed)
    elif model_digest is not None and found != model_digest:
        yield _MINE.fault("vectors", f"of model {found}, the model beside it is {model_digest}", embed)
    else:
        yield _MINE.good("vectors", f"of model {found}")


def _index(store: Store) -> Iterator[Check]:
    from eclip.search.indexfiles import read_index

    again = f"run `eclip index {store.place} --model MODEL`"
    saved = read_index(store.place)
    if saved is None:
        yield _MINE.good("index", "none: searches compare with every listing, which is exact")
    elif saved.facts.get("model") != store.vectors_digest:
        yield _MINE.note("index", f"stale: of vectors of model {saved.facts.get('model')}", again)
    elif saved.facts.get("num_rows") != store.num_rows:
        found = f"stale: made of {saved.facts.get('num_rows'):,} listings, the store has {store.num_rows:,}"
        yield _MINE.note("index", found, again)
    else:
        yield _MINE.good("index", f"{saved.facts.get('kind')} of {store.num_rows:,} listings")


def _pairs(store: Store) -> Iterator[Check]:
    check = store.manifest.get(PAIRS_CHECK)
    if check is None:
        yield _MINE.good("pairs", "no model has looked for wrong pictures (--check-with)")
    elif check.get("unscored"):
        again = "check again: eclip prepare FEED --update --check-with MODEL"
        yield _MINE.note("pairs", f"{check['unscored']:,} listings came since model {check['model']} looked", again)
    else:
        yield _MINE.good("pairs", f"model {check['model']} left {check['dropped']:,} wrong ones out of training")


def _leftovers(store: Store) -> Iterator[Check]:
    """What killed runs left in the folder and beside it; of object storage nothing is told."""
    if not isinstance(store.place, FolderPlace):
        return
    folder = store.path
    yield from disk_checks(_MINE, "disk", folder)
    left = [str(path) for path in folder.rglob("*") if is_leftover(path.name)]
    left += [
        str(path) for ending in ("partial", "old") for path in folder.parent.glob(f".{folder.name}.eclip-{ending}")
    ]
    left += [str(folder / name) for name in (STORE_INCOMING,) if (folder / name).exists()]
    if left:
        found = f"{len(left)} of killed runs, or of one that runs now: {left[0]}"
        yield _MINE.note("leftovers", found, "the next `eclip prepare` of this store removes them; nothing reads them")
    else:
        yield _MINE.good("leftovers", "none")
    cache = folder / STORE_CACHE
    if cache.is_dir():
        num_bytes = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
        yield _MINE.good("cache", f"{num_bytes / 1e6:,.1f} MB that can be made again")
    if not (folder / STORE_REPORT).is_file():
        yield _MINE.note("report", f"{STORE_REPORT} is missing", "run `eclip prepare` or an update again")
