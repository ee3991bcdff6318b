"""A full disk in each stage: one line, nothing half-written is taken for whole, and with room it goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from commandline import Outcome, Result, done, eclip

from eclip.products.store import Store
from eclip.train.checkpoint import checkpoint_files, step_of

pytestmark = pytest.mark.slow

DISK_BYTES = 64 << 20
FILLER = "filler"


class SmallDisk:
    """A disk of a few megabytes that can be filled but for so many bytes, and emptied again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, *, free: int) -> None:
        """Leave so many bytes."""
        stat = os.statvfs(self.path)
        with (self.path / FILLER).open("wb") as file:
            file.write(b"\0" * (stat.f_bavail * stat.f_frsize - free))

    def make_room(self) -> None:
        """Leave all of it."""
        (self.path / FILLER).unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A mounted tmpfs; skips where nothing may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    arguments = [mount or "mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)]
    if mount is None or os.geteuid() != 0 or subprocess.run(arguments, check=False, capture_output=True).returncode:
        pytest.skip("a full disk needs a small one, and only root may mount it")
    yield SmallDisk(place)
    subprocess.run(["umount", "--lazy", str(place)], check=True)  # a reader of this process may not be gone yet


def leftovers(folder: Path) -> list[str]:
    """Files that were begun and not finished."""
    return [path.name for path in folder.rglob("*") if "partial" in path.name]


def assert_full(outcome: Outcome, place: Path) -> None:
    outcome.assert_fault("the disk is full", str(place))


@pytest.mark.parametrize("free", [0, 100_000])
def test_prepare(result: Result, disk: SmallDisk, free: int) -> None:
    store = disk.path / "store"
    disk.fill(free=free)
    assert_full(eclip("prepare", result.feed, "--store", store), store)
    assert [path.name for path in disk.path.iterdir()] == [FILLER]
    disk.make_room()
    done("prepare", result.feed, "--store", store)
    assert Store.open(store).digest == Store.open(result.out / "store").digest


def test_sample(disk: SmallDisk) -> None:
    disk.fill(free=20_000)
    eclip("sample", disk.path / "shop", "--products", 4).assert_fault("No space left", str(disk.path))
    disk.make_room()
    done("sample", disk.path / "shop", "--products", 4)


@pytest.mark.parametrize("free", [0, 30_000, 5_000_000])
def test_train_before_its_first_checkpoint(result: Result, disk: SmallDisk, free: int) -> None:
    model = disk.path / "model"
    arguments = ("train", result.out / "store", "--out", model, "--recipe", result.recipe, "--steps", 2)
    disk.fill(free=free)
    assert_full(eclip(*arguments), model)
    assert not (model / "eclip.json").exists()
    assert leftovers(disk.path) == []
    eclip("embed", result.feed, "--model", model, "--out", disk.path / "v.parquet").assert_fault("eclip train")
    disk.make_room()
    done(*arguments)
    assert (model / "eclip.json").is_file()


def test_train_keeps_its_last_checkpoint(result: Result, disk: SmallDisk, tmp_path: Path) -> None:
    arguments = ("train", result.out / "store", "--recipe", result.recipe, "--steps", 3)
    arguments = (*arguments, "--set", "checkpoints.every_seconds=0", "watch.validations=1")
    done(*arguments, "--out", tmp_path / "undisturbed")
    model = disk.path / "model"
    one = checkpoint_files(tmp_path / "undisturbed" / "run")[0].stat().st_size
    disk.fill(free=int(1.5 * one))  # the second one finds no room beside the first
    assert_full(eclip(*arguments, "--out", model), model)
    assert [step_of(path) for path in checkpoint_files(model / "run")] == [1]
    disk.make_room()
    done(*arguments, "--out", model)
    digests = [json.loads((path / "eclip.json").read_text())["digest"] for path in (model, tmp_path / "undisturbed")]
    assert digests[0] == digests[1]


def test_train_when_only_the_model_has_no_room(result: Result, disk: SmallDisk) -> None:
    model = disk.path / "model"
    arguments = ("train", result.out / "store", "--out", model, "--recipe", result.recipe, "--steps", 2)
    one = checkpoint_files(result.out / "model" / "run")[0].stat().st_size
    disk.fill(free=int(1.5 * one))  # the checkpoint and the best weights
    assert_full(eclip(*arguments), model)
    assert not (model / "eclip.json").exists()
    disk.make_room()
    assert "steps" in done(*arguments).out
    assert "nan" not in (model / "eclip.json").read_text().lower()


def test_embed(result: Result, disk: SmallDisk, other_model: Path) -> None:
    store = Path(shutil.copytree(result.out / "store", disk.path / "store"))
    before = Store.open(store).vectors_digest
    disk.fill(free=0)
    assert_full(eclip("embed", store, "--model", other_model), disk.path)
    assert Store.open(store).vectors_digest == before
    assert_full(
        eclip("embed", result.feed, "--model", other_model, "--out", disk.path / "v.parquet"), disk.path / "v.parquet"
    )
    assert not (disk.path / "v.parquet").exists()
    disk.make_room()
    done("embed", store, "--model", other_model)
    assert Store.open(store).vectors_digest != before
    done("embed", result.feed, "--model", other_model, "--out", disk.path / "v.parquet")
    assert pq.read_table(disk.path / "v.parquet").num_rows > 100


def test_fit(result: Result, disk: SmallDisk) -> None:
    ignored = shutil.ignore_patterns("run", "tasks")
    model = Path(shutil.copytree(result.out / "model", disk.path / "model", ignore=ignored))
    disk.fill(free=40_000)
    assert_full(eclip("fit", result.out / "store", "--model", model), model / "tasks")
    assert leftovers(disk.path) == []
    disk.make_room()
    done("fit", result.out / "store", "--model", model)
    tasks = {path.name for path in (model / "tasks").iterdir()}
    assert tasks == {path.name for path in (result.out / "model" / "tasks").iterdir()}


def test_evaluate(result: Result, disk: SmallDisk) -> None:
    store = Path(shutil.copytree(result.out / "store", disk.path / "store", ignore=shutil.ignore_patterns("cache")))
    arguments = ("evaluate", "--model", result.out / "model", "--out", disk.path / "report")
    disk.fill(free=20_000)
    assert_full(eclip(*arguments, store), store)  # vectors of the baseline
    assert_full(eclip(*arguments, result.out / "store"), disk.path / "report")
    assert not (disk.path / "report" / "report.html").exists()
    assert leftovers(disk.path) == []
    disk.make_room()
    done(*arguments, store)
    assert (disk.path / "report" / "report.html").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_finds_no_room(result: Result) -> None:
    command = [sys.executable, "-m", "eclip", "search", result.out / "store", "shoe", "--model", result.out / "model"]
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    Outcome(answer.returncode, "", answer.stderr).assert_fault("the disk is full while writing standard output")


def test_scratch_folder(result: Result, disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(disk.path))
    disk.fill(free=8_000)
    assert_full(eclip("search", result.out / "store", "shoe", "--model", result.out / "model"), disk.path)
    assert [path.name for path in disk.path.iterdir()] == [FILLER]


def test_enrich(result: Result, disk: SmallDisk) -> None:
    out = disk.path / "enriched.parquet"
    arguments = ("enrich", result.feed, "--model", result.out / "model", "--out", out)
    disk.fill(free=0)
    assert_full(eclip(*arguments), out)
    assert not out.exists()
    disk.make_room()
    done(*arguments)
    assert pq.read_table(out).num_rows > 100
    assert not list(disk.path.glob("*.parts"))  # of the windows that the first try had begun


def test_main_job_goes_on_after_each_full_disk(result: Result, disk: SmallDisk) -> None:
    out = disk.path / "out"
    faults: list[str] = []
    for free in (200_000, 2_000_000, 20_000_000):
        disk.fill(free=free)
        outcome = result.run(out)
        assert_full(outcome, out)
        faults += outcome.faults
        disk.make_room()
    assert len(set(faults)) >= 2  # it came further each time
    assert result.run(out).status == 0
    digests = [json.loads((path / "model" / "eclip.json").read_text())["digest"] for path in (out, result.out)]
    assert digests[0] == digests[1]
