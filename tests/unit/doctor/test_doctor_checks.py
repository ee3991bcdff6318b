"""What the doctor says where something is missing, broken or another version's: one line each, and what to do."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from eclip.doctor.checkup import Check, Patient
from eclip.doctor.installation import EXTRAS, check_installation
from eclip.doctor.models import check_model
from eclip.doctor.stores import check_store
from eclip.files import write_text
from eclip.products.store import Store
from eclip.schema import INDEX_VERSION


def faults(checks: list[Check]) -> dict[str, str]:
    assert all(check.advice for check in checks if check.state == "fault")
    return {check.name: check.found for check in checks if check.state == "fault"}


def test_whatever_fails_while_looking_is_one_line() -> None:
    def broken() -> list[Check]:
        raise RuntimeError("first line\nsecond line")

    (check,) = Patient("store").look("thing", broken, advice="do this")
    assert (check.state, check.found, check.advice) == ("fault", "first line", "do this")


def test_what_an_extra_would_give_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in ("ray", "daft") else find(name))
    checks = check_installation()
    assert faults(checks) == {"libraries": "daft missing"}
    (ray,) = [check for check in checks if check.name == "extra ray"]
    assert (ray.state, ray.advice) == ("note", "where wanted: pip install 'eclip[ray]'")
    assert {check.name for check in checks} >= {f"extra {name}" for name in EXTRAS}


def test_a_full_disk_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(1 << 40, 1 << 40, 1 << 20))
    assert {"disk, here", "disk, temporary files"} <= faults(check_installation()).keys()


def test_a_store_without_vectors_is_whole_and_leftovers_are_told(small_store: Store, tmp_path: Path) -> None:
    folder = shutil.copytree(small_store.path, tmp_path / "store")
    (folder / ".report.html.999999.partial").write_text("")
    checks = {check.name: check for check in check_store(folder)}
    assert not faults(list(checks.values()))
    assert checks["vectors"].state == checks["leftovers"].state == "note"
    assert "eclip embed" in checks["vectors"].advice


def test_a_manifest_that_does_not_fit_its_data_is_a_fault(small_store: Store, tmp_path: Path) -> None:
    folder = shutil.copytree(small_store.path, tmp_path / "store")
    manifest = json.loads((folder / "store.json").read_text(encoding="utf-8"))
    changed = {**manifest, "digest": "0" * 64, "num_rows": 49}
    (folder / "store.json").write_text(json.dumps(changed), encoding="utf-8")
    assert {"products.lance", "content"} <= faults(check_store(folder)).keys()
    (folder / "store.json").write_text(json.dumps({**manifest, "version": 99}), encoding="utf-8")
    assert "store version 99" in faults(check_store(folder))["manifest"]
    shutil.rmtree(folder / "products.lance" / "_versions")
    (folder / "store.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert "products.lance" in faults(check_store(folder))


def test_vectors_of_another_model_and_a_stale_index_are_told(small_store: Store, tmp_path: Path) -> None:
    folder = shutil.copytree(small_store.path, tmp_path / "store")
    manifest = json.loads((folder / "store.json").read_text(encoding="utf-8"))
    write_text(folder / "store.json", json.dumps({**manifest, "vectors_model": "aaaa"}))
    index = {"version": INDEX_VERSION, "folder": "0" * 16, "model": "aaaa", "num_rows": 40, "kind": "exact"}
    write_text(folder / "index" / "index.json", json.dumps(index))
    checks = {check.name: check for check in check_store(folder, model_digest="bbbb")}
    assert "of model aaaa" in faults(list(checks.values()))["vectors"]
    assert checks["index"].found == "stale: made of 40 listings, the store has 48"


def test_an_unfinished_training_is_no_model_and_said_so(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert "a training that has not ended" in faults(check_model(tmp_path))["manifest"]
    (tmp_path / "eclip.json").write_text("{", encoding="utf-8")
    assert "manifest" in faults(check_model(tmp_path))
