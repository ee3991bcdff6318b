"""`eclip lineage`: from a file of answers, a model or a store back to the feed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from eclip.errors import ConfigError

FileArgument = Annotated[tyro.conf.Positional[str | Path], tyro.conf.arg(metavar="FILE|MODEL|STORE")]


@dataclass(frozen=True)
class Chain:
    """The steps from what was named back to the feed, each with its facts."""

    steps: list[tuple[str, dict[str, Any]]]
    as_json: bool


def lineage(
    file: FileArgument, /, *, model: Path | None = None, store: str | Path | None = None, json: bool = False
) -> Chain:
    """Tell where answers or vectors come from: model digest, what it was trained on, store version, feed.

    Args:
        file: Answers by `eclip enrich` (also of an earlier day), vectors by `eclip embed --out`, a model folder, or a
            store.
        model: Where the model lies now, if not where it was then.
        store: Where the store lies now, likewise.
        json: One JSON object, for programs.
    """
    from eclip.lineage import read_lineage, sidecar
    from eclip.products.storefolder import FolderPlace
    from eclip.schema import MODEL_MANIFEST, STORE_MANIFEST

    place = Path(file)
    if (place / MODEL_MANIFEST).is_file():
        return Chain(_of_model(place, store), json)
    if str(file).startswith("s3://") or (place / STORE_MANIFEST).is_file():
        return Chain(_of_store(file), json)
    if not place.is_file():
        raise ConfigError(f"{place}: no file of answers, model or store; name one that eclip wrote")
    told = read_lineage(place)
    if told is None:
        where = "no metadata of eclip in it" if place.suffix == ".parquet" else f"no {sidecar(place).name} beside it"
        raise ConfigError(f"{place}: does not say where it comes from ({where}); an earlier eclip wrote it")
    steps: list[tuple[str, dict[str, Any]]] = [
        (told.get("what", "answers"), {"path": str(place), "eclip": told.get("eclip")})
    ]
    if told.get("feed"):
        steps.append(("of the feed", _plain(told["feed"])))
    if told.get("model"):
        steps.append(("by the model", _moved(told["model"], model)))
    if told.get("store"):
        compared = dict(told["store"])
        feed = compared.pop("feed", None)
        how = "compared with the store" if told.get("feed") else "of the store"
        steps += [(how, _now(compared, FolderPlace(Path(store or compared["path"]))))]
        steps += [("made of the feed", _plain(feed))] if feed else []
    return Chain(steps, json)


def _of_model(folder: Path, store: str | Path | None) -> list[tuple[str, dict[str, Any]]]:
    import json

    from eclip.lineage import model_facts
    from eclip.schema import MODEL_MANIFEST

    try:
        facts = model_facts(json.loads((folder / MODEL_MANIFEST).read_text(encoding="utf-8")), folder)
    except (OSError, ValueError, AttributeError) as fault:
        raise ConfigError(f"{folder / MODEL_MANIFEST}: can't be read ({fault}); see `eclip doctor {folder}`") from None
    steps = [("model", facts)]
    beside = folder.parent / "store"
    if store is None and facts.get("store_digest") and beside.is_dir():
        store = beside  # as `eclip run` lays them out
    if store is not None:
        found = _of_store(store)
        same = found[0][1]["digest"] == facts.get("store_digest")
        steps += [
            ("trained on the store" if same else "beside another store, not the one it was trained on", found[0][1])
        ]
        steps += found[1:] if same else []
    return steps


def _of_store(store: str | Path) -> list[tuple[str, dict[str, Any]]]:
    from eclip.lineage import store_facts
    from eclip.products.store import Store

    opened = Store.open(store)
    facts = store_facts(opened.manifest, opened.place)
    feed = facts.pop("feed")
    return [("store", facts), *([("made of the feed", _plain(feed))] if feed else [])]


def _moved(facts: dict[str, Any], model: Path | None) -> dict[str, Any]:
    """Facts of a model, and whether what lies in its place now is the same one."""
    from eclip.doctor.models import model_digest

    folder = model or (Path(facts["path"]) if facts.get("path") else None)
    now = model_digest(folder) if folder else None
    there = "the same model" if now == facts["digest"] else f"another model ({now})" if now else "no model any more"
    return {**facts, "now there": there}


def _now(facts: dict[str, Any], place: Any) -> dict[str, Any]:
    """Facts of a store, and what lies in its place now."""
    from eclip.products.manifest import DATASET_VERSION, read_manifest

    if str(facts["path"]).startswith("s3://"):
        return facts
    manifest = read_manifest(place)
    if manifest is None:
        return {**facts, "now there": "no store any more"}
    same = manifest.get("digest") == facts["digest"]
    version = f"version {manifest.get(DATASET_VERSION)}"
    return {**facts, "now there": f"the same listings, {version}" if same else f"other listings, {version}"}


def _plain(feed: Any) -> dict[str, Any]:
    """Facts of a feed, its time as people read it."""
    from datetime import UTC, datetime

    if not isinstance(feed, dict):
        return {"feed": feed}
    facts = dict(feed)
    changed = facts.pop("modified_ns", None)
    if isinstance(changed, int):
        facts["changed"] = datetime.fromtimestamp(changed / 1e9, tz=UTC).isoformat(timespec="seconds")
    return facts


def show_chain(chain: Chain) -> None:
    """Print the steps, each below the one that it led to."""
    import json

    from eclip.console import print_facts, print_line

    if chain.as_json:
        told = [{"step": step, **facts} for step, facts in chain.steps]
        print_line(json.dumps(told, ensure_ascii=False))
        return
    for step, facts in chain.steps:
        shown = [(name.replace("_", " "), str(value)) for name, value in facts.items() if value is not None]
        print_facts(step.capitalize(), shown)
