"""A store's pairs checked by a stand-in model that sees colours: what is written, kept, shown and refused."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eclip.errors import StoreError
from eclip.products.agreement import check
from eclip.products.agreement.check import CheckSummary, check_pairs
from eclip.products.agreement.upkeep import CHECKED_COLUMNS, count_pairs
from eclip.products.delete import delete_listings
from eclip.products.manifest import PAIRS_CHECK
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.products.update import update_store
from eclip.schema import STORE_REPORT

COLOURS = {"red": (200, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 200), "white": (230, 230, 230)}
NUM = 320
WRONG = set(range(1, NUM, 19))
SHARED = range(100, 125)  # all under the shop's one "no image" picture


def write_feed(
    folder: Path, name: str = "feed.csv", *, retitled: int | None = None, more: Sequence[str] = (), without: object = ()
) -> Path:
    """Shoes, hats and bags in four colours; a picture is of its title's colour unless it is wrong or shared.

    More listings than the first have the picture that they name; rows without are left out.
    """
    rng, names = np.random.default_rng(0), list(COLOURS)
    (folder / "images").mkdir(exist_ok=True)
    rows = []
    for number in range(NUM):
        colour = number % 4
        shown = (colour + 1 + number // 19 % 3) % 4 if number in WRONG else colour
        base = np.array(COLOURS[names[shown]]) + rng.normal(0, 18, 3)
        pixels = np.clip(base + rng.normal(0, 6, (16, 16, 3)), 0, 255).astype(np.uint8)
        picture = "none.png" if number in SHARED else f"{number}.png"
        if number not in SHARED:
            Image.fromarray(pixels).save(folder / "images" / picture)
        title = f"{names[colour]} thing number {number}" if number != retitled else "something else altogether"
        rows.append({"id": f"p{number}", "title": title, "image": f"images/{picture}", "category": names[colour]})
    Image.radial_gradient("L").resize((16, 16)).save(folder / "images" / "none.png")
    Image.linear_gradient("L").resize((16, 16)).save(folder / "images" / "own.png")
    rows = [row for number, row in enumerate(rows) if number not in without]
    for picture in more:
        row = {"id": f"with {picture}", "title": f"a late {picture} thing", "image": f"images/{picture}.png"}
        rows.append({**row, "category": "red"})
    with (folder / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / name


def see_colours(store: Store) -> np.ndarray:
    """Stand-in for a model: the mean colour of each picture, [N, 3]."""
    pictures = store.images(range(store.num_rows))
    return np.array([np.asarray(Image.open(io.BytesIO(p)).convert("RGB")).mean((0, 1)) for p in pictures], "f4")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    prepare_store(write_feed(folder), folder / "store")
    return folder


@pytest.fixture
def shop(drawn: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drawn, tmp_path / "shop"))


@pytest.fixture(scope="module")
def looked_at(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(drawn, tmp_path_factory.mktemp("checked") / "shop"))
    look(folder / "store")
    return folder


@pytest.fixture
def checked(looked_at: Path, tmp_path: Path) -> Path:
    """As `shop`, its pairs checked."""
    return Path(shutil.copytree(looked_at, tmp_path / "checked"))


def judged(store: Path) -> dict[str, tuple[float | None, float]]:
    table = Store.open(store).table(["product_id", "pair_score", "weight"]).to_pylist()
    return {row["product_id"]: (row["pair_score"], row["weight"]) for row in table}


def look(store: Path) -> CheckSummary:
    return check_pairs(Store.open(store), see_colours, model_digest="colours")


def test_wrong_pairs_lose_their_weight_and_right_ones_keep_it(shop: Path) -> None:
    before = Store.open(shop / "store").digest
    summary = look(shop / "store")
    wrong = {f"p{number}" for number in WRONG if number not in SHARED}
    shared = {f"p{number}" for number in SHARED}
    found = judged(shop / "store")
    assert {name for name, (_, weight) in found.items() if weight == 0} == wrong | shared
    assert all(found[name][0] == 0 for name in shared)
    assert min(weight for name, (_, weight) in found.items() if name not in wrong | shared) > 0.5
    assert (summary.pairs_scored, summary.dropped, summary.placeholders) == (NUM - len(SHARED), len(wrong), len(shared))
    assert summary.wrong_share == pytest.approx(len(wrong) / summary.pairs_scored, abs=0.03)
    opened = Store.open(shop / "store")
    assert opened.digest == before
    assert opened.manifest[PAIRS_CHECK]["dropped"] == len(wrong)


def test_the_worst_pairs_are_shown_and_placeholders_are_not(shop: Path) -> None:
    assert "seem to be of something else" not in (shop / "store" / STORE_REPORT).read_text()
    look(shop / "store")
    page = (shop / "store" / STORE_REPORT).read_text()
    section = page.split("Pictures that seem to be of something else")[1].split("</section>")[0]
    shown = [number for number in range(NUM) if f"number {number}<" in section]
    assert shown == sorted(WRONG - set(SHARED))
    assert f"{len(WRONG - set(SHARED))} are left out of training" in " ".join(page.split())


def test_a_second_check_of_the_same_says_the_same(shop: Path) -> None:
    look(shop / "store")
    first = judged(shop / "store")
    look(shop / "store")
    assert judged(shop / "store") == first


def test_a_check_that_is_stopped_leaves_the_store_as_it_was(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = judged(shop / "store")

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for name in ("write_manifest", "put_columns", "score_pairs"):
        with monkeypatch.context() as patched:
            patched.setattr(check, name, stop)
            with pytest.raises(KeyboardInterrupt):
                look(shop / "store")
        assert judged(shop / "store") == before
    assert look(shop / "store").dropped


def test_an_update_keeps_scores_but_those_of_changed_titles(shop: Path) -> None:
    look(shop / "store")
    before = judged(shop / "store")
    update_store(write_feed(shop, "next.csv", retitled=20), shop / "store", remove_missing=False)
    after = judged(shop / "store")
    assert before["p20"][1] == 0
    assert after.pop("p20") == (None, 1)
    assert after == {name: values for name, values in before.items() if name != "p20"}


def counted(store: Path) -> dict[str, int]:
    """The counts of the manifest, which must be those of the rows."""
    opened = Store.open(store)
    told = opened.manifest[PAIRS_CHECK]
    of_rows = count_pairs(opened.table(CHECKED_COLUMNS))
    assert of_rows == {name: told[name] for name in of_rows}
    assert f"A model looked at {told['pairs_scored']} pairs" in (store / STORE_REPORT).read_text()
    return of_rows


def test_new_listings_under_a_placeholder_do_not_count_and_others_wait(checked: Path) -> None:
    before = counted(checked / "store")
    assert before["unscored"] == 0
    update_store(write_feed(checked, "next.csv", more=("none", "own")), checked / "store", remove_missing=False)
    after = judged(checked / "store")
    assert (after["with none"], after["with own"]) == ((0, 0), (None, 1))
    placeholders = before["placeholders"] + 1
    assert counted(checked / "store") == {**before, "placeholders": placeholders, "unscored": 1}
    assert "1 came or changed since then" in (checked / "store" / STORE_REPORT).read_text()
    assert look(checked / "store").unscored == 0


@pytest.mark.parametrize("way", ["update", "delete"])
def test_what_goes_is_no_longer_counted(checked: Path, way: str) -> None:
    before, gone = counted(checked / "store"), {*sorted(WRONG - set(SHARED))[:3], *list(SHARED)[:2]}
    if way == "update":
        update_store(write_feed(checked, "next.csv", without=gone), checked / "store", remove_missing=True)
    else:
        delete_listings(checked / "store", product_ids=[f"p{number}" for number in gone])
    fewer = {"pairs_scored": 3, "dropped": 3, "placeholders": 2, "down_weighted": 0, "unscored": 0}
    assert counted(checked / "store") == {name: before[name] - fewer[name] for name in before}


@pytest.mark.parametrize("way", ["update", "delete"])
def test_a_picture_that_is_no_placeholder_any_longer_waits_for_the_next_check(checked: Path, way: str) -> None:
    gone, left = list(SHARED)[:10], list(SHARED)[10:]
    assert judged(checked / "store")[f"p{left[0]}"] == (0, 0)
    if way == "update":
        update_store(write_feed(checked, "next.csv", without=gone), checked / "store", remove_missing=True)
    else:
        delete_listings(checked / "store", product_ids=[f"p{number}" for number in gone])
    after = judged(checked / "store")
    assert {after[f"p{number}"] for number in left} == {(None, 1)}
    assert (counted(checked / "store")["placeholders"], counted(checked / "store")["unscored"]) == (0, len(left))


def test_what_can_not_be_judged_is_refused_in_one_line(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = judged(shop / "store")
    store = Store.open(shop / "store")
    noise = np.random.default_rng(0).normal(size=(NUM, 8)).astype("f4")
    with pytest.raises(
        StoreError, match=r"tells a listing's own picture from a stranger's in .*50 % is chance.*longer"
    ):
        check_pairs(store, lambda _: noise, model_digest="blind")
    with pytest.raises(StoreError, match=r"0 listings have both .*320 have a title, 0 a picture.* at least 200"):
        check_pairs(store, lambda _: np.full((NUM, 8), np.nan), model_digest="none")
    monkeypatch.setattr(check, "MIN_PAIRS", 10_000)
    with pytest.raises(StoreError, match="295 listings have both a title and a picture of their own"):
        look(shop / "store")
    assert judged(shop / "store") == before
