"""Ray = this machine's processes = its threads = one batch after the other: rows, order, digest, rejects, counts."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from eclip.products import accept
from eclip.products.crew import windows
from eclip.products.dataset import open_dataset
from eclip.products.listings import plan_listings, planned_listings
from eclip.products.prepare import PrepareSummary, prepare_store
from eclip.products.update import update_store
from eclip.schema import PRODUCTS_DATASET, REJECTS_DATASET

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

ROWS = 2600  # three batches
NAMES = ("Linen Shirt", "린넨 셔츠", "Steel Bottle 500ml", "WH-1000XM4 Headphones", "Running Shoes")
NOISE = ("", "<b>", "FREE SHIPPING!! ", "무료배송 ", "★★ ", "SALE ")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feed with bad rows, broken and missing pictures, Korean, repeated ids, and rows with nothing in them."""
    folder, draw = tmp_path_factory.mktemp("shop"), random.Random(5)
    (folder / "images").mkdir()
    for number in range(30):
        picture = Image.new("RGB", (40 + number, 48), tuple(draw.randrange(256) for _ in range(3)))
        picture.paste("white", (0, 0, 12 + number % 9, 30))
        data = io.BytesIO()
        picture.save(data, "PNG" if number % 2 else "JPEG")
        broken = number % 10 == 3
        (folder / "images" / f"{number}.png").write_bytes(data.getvalue()[: 60 if broken else None])
    lines = ["id,title,seller,category,price,image,colour"]
    for row in range(ROWS):
        identity = row if row % 50 else row // 3
        title = "" if row % 97 == 0 else f"{draw.choice(NOISE)}{draw.choice(NAMES)} {draw.randrange(90)}"
        image = "" if row % 97 == 0 else f"images/{draw.randrange(31)}.png"
        colour = draw.choice(("red", "blue|navy", ""))
        lines.append(f"{identity},{title},shop {row % 7},Home > {draw.choice('abc')},{row % 40}.50,{image},{colour}")
    lines[500] = '499,"never closed'
    lines[501] = '500,closed" here,x'
    (folder / "feed.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def told(store: Path, summary: PrepareSummary) -> dict[str, Any]:
    """Everything that a store says of its feed, but for times and bytes on disk."""
    manifest = json.loads((store / "store.json").read_text(encoding="utf-8"))
    products = open_dataset(store / PRODUCTS_DATASET).to_table()
    counts = {
        name: value for name, value in dataclasses.asdict(summary).items() if not name.endswith(("seconds", "bytes"))
    }
    return {
        "products": products.select(sorted(products.column_names)).to_pylist(),
        "rejects": open_dataset(store / REJECTS_DATASET).to_table().to_pylist(),
        "digest": manifest["digest"],
        "titles": manifest["titles"],
        "counts": counts,
    }


def prepared(shop: Path, store: Path, **options: Any) -> dict[str, Any]:
    return told(store, prepare_store(shop / "feed.csv", store, columns="attributes.colour=colour", **options))


@pytest.fixture(scope="module")
def plainly(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The store made by one batch after the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accept, "cleaned_listings", planned_listings)
        return prepared(shop, tmp_path_factory.mktemp("plainly") / "store")


def test_the_feed_has_what_could_go_wrong(plainly: dict[str, Any]) -> None:
    assert len(plainly["products"]) > 2000
    assert set(plainly["counts"]["rejected"]) == {"unreadable row", "no title and no picture", "repeated product id"}
    assert plainly["counts"]["flagged"]["unreadable picture"] > 100
    assert plainly["counts"]["title_rules"]["promotions"] > 100


@pytest.mark.parametrize("small", [0, 10**9], ids=["processes", "threads"])
def test_this_machine(
    shop: Path, plainly: dict[str, Any], tmp_path: Path, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "SMALL_FEED_ROWS", small)
    assert prepared(shop, tmp_path / "store") == plainly


@pytest.mark.usefixtures("cluster")
def test_ray(shop: Path, plainly: dict[str, Any], tmp_path: Path) -> None:
    assert prepared(shop, tmp_path / "store", runner="ray") == plainly
    again = update_store(shop / "feed.csv", tmp_path / "store", remove_missing=False, runner="ray")
    assert (again.new, again.changed, again.unchanged) == (0, 0, len(plainly["products"]))


def kill_processes(of: str) -> list[int]:
    """Kill -9 every process of this user's whose command line holds a text; the ids of those killed."""
    killed = []
    for folder in Path("/proc").iterdir():
        try:
            is_one = folder.name.isdigit() and of.encode() in (folder / "cmdline").read_bytes()
            if is_one and os.getppid() != int(folder.name) != os.getpid() and _is_below_this(int(folder.name)):
                os.kill(int(folder.name), signal.SIGKILL)
                killed.append(int(folder.name))
        except OSError:
            continue
    return killed


def _is_below_this(pid: int) -> bool:
    """Whether a process was started by this one, directly or not."""
    while pid > 1:
        if pid == os.getpid():
            return True
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        pid = int(status.rpartition(")")[2].split()[1])
    return False


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("victim", ["eclip.products.crew.cleaner", "ray::RaySwordfishActor"])
def test_a_cluster_whose_processes_are_killed_cleans_the_same(shop: Path, victim: str) -> None:
    plain, clustered = (plan_listings(shop / "feed.csv", runner="ray") for _ in range(2))
    tables = windows.cleaned_listings(clustered, batch_size=60)
    found = [next(tables)]
    assert kill_processes(victim)
    found += tables
    expected = list(planned_listings(plain, batch_size=60))
    assert [table.to_pylist() for table in found] == [table.to_pylist() for table in expected]


def test_the_command_joins_the_cluster_of_ray_address_and_says_no_more_than_usual(
    cluster: Any, shop: Path, plainly: dict[str, Any], tmp_path: Path
) -> None:
    address = cluster.get_runtime_context().gcs_address
    command = [sys.executable, "-m", "eclip", "prepare", str(shop / "feed.csv"), "--store", str(tmp_path / "store")]
    options = ["--columns", "attributes.colour=colour", "--runner", "ray"]
    outcome = subprocess.run(
        [*command, *options],
        env={**os.environ, "RAY_ADDRESS": address},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert outcome.returncode == 0, outcome
    lines = outcome.stderr.splitlines()
    assert {line.partition(" ...")[0].partition(":")[0] for line in lines} == {
        "Preparing products",
        "Duplicates, catalogs, split",
    }, outcome.stderr
    assert json.loads((tmp_path / "store" / "store.json").read_text())["digest"] == plainly["digest"]


def test_a_cluster_that_is_not_there_is_named(shop: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "eclip", "prepare", str(shop / "feed.csv"), "--store", str(tmp_path / "store")]
    outcome = subprocess.run(
        [*command, "--runner", "ray"],
        env={**os.environ, "RAY_ADDRESS": "127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert outcome.returncode == 2
    assert "Traceback" not in outcome.stderr
    assert "eclip: no Ray cluster at RAY_ADDRESS 127.0.0.1:9" in outcome.stderr.splitlines()[-1]
    assert not (tmp_path / "store").exists()
