"""The service over a real store and model: its answers are those of the commands, whatever is replaced under it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from commandline import done
from fastapi.testclient import TestClient
from PIL import Image

from eclip.errors import StoreError
from eclip.serve.app import create_app
from eclip.serve.client import ServiceClient
from eclip.serve.desk import Desk
from eclip.serve.live import Live
from eclip.serve.opening import ShopSource
from eclip.serve.taskschemas import Listing

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(result):
    made = Desk(live=Live.of(ShopSource(result.out / "store", result.out / "model")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(desk):
    return TestClient(create_app(desk))


def feed_rows(result) -> list[dict[str, str]]:
    with result.feed.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_new_feed(result, path: Path) -> list[dict[str, str]]:
    """Four new listings, as a feed without pictures."""
    rows = [row for row in feed_rows(result) if row["title"]][:4]
    new = [{"product_id": f"new-{n}", "title": row["title"] + " new", "price": "9.5"} for n, row in enumerate(rows)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(new[0]))
        writer.writeheader()
        writer.writerows(new)
    return new


def assert_alike(one, other) -> None:
    """Equal, numbers up to the rounding of towers that see other batches."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_alike(one[name], other[name])
    elif isinstance(one, float) or (isinstance(one, list) and one and isinstance(one[0], float)):
        assert one == pytest.approx(other, abs=2e-3)
    else:
        assert one == other


def test_enrich_says_what_the_command_says(client, result, tmp_path):
    new = write_new_feed(result, tmp_path / "feed.csv")
    out = tmp_path / "answers.jsonl"
    done(
        "enrich", tmp_path / "feed.csv", "--model", result.out / "model", "--store", result.out / "store", "--out", out
    )
    expected = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    listings = [row | {"price": 9.5} for row in new]
    answer = client.post("/enrich", json={"listings": listings})
    assert answer.status_code == 200, answer.text
    for told, wanted in zip(answer.json()["listings"], expected, strict=True):
        assert_alike(told, wanted)
    assert any(told["category"] for told in expected)


def test_match_says_what_the_command_says(client, result, tmp_path):
    new = write_new_feed(result, tmp_path / "feed.csv")
    out = tmp_path / "catalogs.csv"
    done("match", tmp_path / "feed.csv", "--model", result.out / "model", "--store", result.out / "store", "--out", out)
    with out.open(encoding="utf-8", newline="") as file:
        for row, expected in zip(new, csv.DictReader(file), strict=True):
            told = client.post("/match", json={"listing": row | {"price": 9.5}}).json()
            assert told["probability"] == pytest.approx(float(expected["probability"]), abs=2e-3)
            assert told["nearest_product_id"] == expected["nearest_product_id"]
            assert (told["catalog_id"] or "") == expected["catalog_id"]
            assert told["reason"] == expected["reason"]


def test_a_product_shows_what_its_tasks_say(client, result):
    row = next(row for row in feed_rows(result) if row["title"])
    told = client.get(f"/products/{row['product_id']}").json()
    assert told["category_source"] == "given"
    assert 0 <= told["policy_probability"] <= 1
    assert any(each["source"] == "given" and each["confidence"] for each in told["attributes"])
    assert row["product_id"] in [offer["product_id"] for offer in told["offers"]]
    for address in told["image_urls"]:
        assert client.get(address).headers["content-type"] in ("image/jpeg", "image/png")


def test_a_stored_picture_finds_its_own_listing(client, result):
    hit = client.get("/search", params={"q": "shirt", "top_k": 1}).json()["hits"][0]
    image = client.get(hit["image_url"]).content
    found = client.post(
        "/search", files={"picture": ("x.jpg", image)}, data={"top_k": "3", "ranking": "vectors"}
    ).json()
    assert hit["product_id"] in [
        each for found_hit in found["hits"] for each in (found_hit["product_id"], *found_hit["same_product_ids"])
    ]
    assert found["hits"][0]["score"] == pytest.approx(1, abs=1e-3)


def test_an_answer_leads_back_to_model_store_and_feed(result, client):
    version = client.get("/search", params={"q": "shirt"}).headers["x-eclip-version"]
    told = client.get("/lineage").json()
    assert told["version"] == version
    manifest = json.loads((result.out / "store" / "store.json").read_text())
    model = json.loads((result.out / "model" / "eclip.json").read_text())
    assert told["store"]["digest"] == manifest["digest"] == told["model"]["store_digest"]
    assert told["model"]["digest"] == model["digest"]
    assert told["store"]["feed"]["path"] == result.feed.name  # of folders of the server, nothing
    assert str(result.out) not in json.dumps(told)
    again = Live.of(ShopSource(result.out / "store", result.out / "model"))
    assert again.current.version == version  # another replica


def test_the_store_and_the_model_are_taken_up_when_they_change(store, model, other_model):
    live = Live.of(ShopSource(store, model))
    first = live.current
    assert not live.refresh()
    shutil.rmtree(model / "tasks" / "matching")
    assert live.refresh()
    assert not live.current.listings.can_match
    assert live.current.version != first.version
    assert live.current.engine._encoder is first.engine._encoder  # the model itself is the same
    shutil.rmtree(model)
    shutil.copytree(other_model, model)
    with pytest.raises(StoreError, match="embed"):  # its vectors are not there yet
        live.refresh()
    assert live.current.engine.version == first.engine.version
    done("embed", store, "--model", model)
    assert live.refresh()
    assert live.current.engine.version != first.engine.version


@pytest.fixture(scope="module")
def process(result, tmp_path_factory):
    """The command in a process of its own; yields it with its address and log."""
    command = [sys.executable, "-m", "eclip", "serve", result.out / "store", "--model", result.out / "model"]
    log = tmp_path_factory.mktemp("service") / "log"
    with log.open("w") as errors:
        started = subprocess.Popen(
            [*map(str, command), "--port", "0"], stderr=errors, start_new_session=True, env=os.environ
        )
    try:
        deadline = time.monotonic() + 120
        while "http://" not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield started, log.read_text().split("Search page: ")[1].split("/  ")[0], log
    finally:
        started.kill()
        started.wait(20)


def bomb(mode: str, width: int, height: int, format: str) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (width, height)).save(out, format)
    return out.getvalue()


def peak_megabytes(process: subprocess.Popen) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def sent_together(url: str, image: bytes, times: int) -> list[int]:
    with ThreadPoolExecutor(times) as pool:
        return list(
            pool.map(
                lambda _: httpx.post(f"{url}/search", files={"picture": image}, timeout=60).status_code, range(times)
            )
        )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_bombs_take_bounded_memory(process):
    """Of 100 megapixels nothing is decoded; of just below 25, a single one at a time however many come."""
    started, url, _ = process
    assert sent_together(url, bomb("RGB", 64, 64, "PNG"), 4) == [200] * 4
    before = peak_megabytes(started)
    for mode, width, height, format in (
        ("1", 10_000, 10_000, "PNG"),
        ("P", 10_000, 10_000, "GIF"),
        ("L", 7_000, 7_000, "JPEG"),
    ):
        assert sent_together(url, bomb(mode, width, height, format), 2) == [413] * 2
    assert peak_megabytes(started) - before < 60
    statuses = sent_together(url, bomb("RGBA", 5_000, 4_990, "PNG"), 6)
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    assert peak_megabytes(started) - before < 900  # one takes about 500: its pixels, laid on white, as RGB


def test_sigterm_finishes_what_is_under_way_and_says_no_to_the_proxy(process):
    started, url, log = process
    with ServiceClient(url) as shop:
        assert shop.readiness().status == "ready"
        assert shop.search("shirt", top_k=3).hits
        answers = []
        listings = [Listing(title=f"red shirt of size {size}") for size in range(40)]
        slow = threading.Thread(target=lambda: answers.append(shop.enrich(listings)))
        slow.start()
        time.sleep(0.2)
        started.send_signal(signal.SIGHUP)  # looks for newer versions, and goes on
        started.terminate()
        time.sleep(0.5)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{url}/readyz", timeout=10)
        assert caught.value.code == 503
        assert shop.search("shirt", top_k=3).hits  # still taken, until the proxy has noticed
        slow.join(60)
        assert len(answers[0].listings) == 40
    assert started.wait(40) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert {"/search", "/enrich", "/readyz"} <= {line.get("route") for line in lines}
    assert "Traceback" not in log.read_text()
