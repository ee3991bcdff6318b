from __future__ import annotations

import random
from collections import Counter

import numpy as np

from eclip.products.duplicates.components import components, loss_groups
from eclip.products.duplicates.exact import find_duplicates, placeholder_pictures
from eclip.products.split import assign_splits, split_of

PINNED = [
    "train",
    "validation",
    "train",
    "train",
    "train",
    "train",
    "test",
    "test",
    "train",
    "test",
    "train",
    "validation",
]


def test_duplicates_need_title_seller_and_picture() -> None:
    titles = ["Shirt", "SHIRT", "Shirt", "Shirt", "Shirt", None, None, "Shirt", "Shirt"]
    sellers = ["a", "a", "b", "a", "a", "a", "a", "a", "a"]
    hashes = ["1", "1", "1", "2", None, "3", "3", None, "1"]
    catalogs = ["d"] + [None] * 7 + ["c"]
    originals, reasons = find_duplicates(titles, sellers, hashes, catalogs)
    assert originals.tolist() == [-1, 0, -1, -1, -1, -1, 5, 4, -1]
    assert reasons[1] == "same title, seller and picture"
    assert reasons[7] == "same title and seller, no picture"
    assert reasons[0] is None


def test_a_missing_catalog_id_hides_no_duplicate_and_joins_no_two_catalogs() -> None:
    def originals(*catalogs: str | None) -> list[int]:
        same = ["Red shoe"] * len(catalogs)
        return find_duplicates(same, same, same, catalogs)[0].tolist()

    assert originals(None, "a") == [-1, 0]
    assert originals("a", None) == [-1, 0]
    assert originals(None, "a", "b", "a", None) == [-1, 0, -1, 0, 0]
    assert originals("a", "b", None, "b", "a") == [-1, -1, 0, 1, 0]


def test_loss_groups_unite_catalog_title_and_picture_through_chains() -> None:
    titles = ["Red", "red", "Blue", "Green", "Grey", None]
    hashes = ["1", "2", "2", "3", None, None]
    catalogs = [None, None, "c", "c", None, None]
    assert loss_groups(titles, hashes, catalogs).tolist() == [0, 0, 0, 0, 1, 2]


def test_components_equal_a_plain_union() -> None:
    draw = random.Random(0)
    for _ in range(30):
        size = draw.randrange(1, 30)
        kinds = [[draw.choice([None, *range(size // 2 + 1)]) for _ in range(size)] for _ in range(3)]
        labels = list(range(size))
        for _ in range(size):
            for kind in kinds:
                for i in range(size):
                    for j in range(size):
                        if kind[i] is not None and kind[i] == kind[j]:
                            labels[i] = labels[j] = min(labels[i], labels[j])
        order = list(dict.fromkeys(labels))
        assert components(size, kinds).tolist() == [order.index(label) for label in labels]


def test_a_picture_under_many_products_is_a_placeholder() -> None:
    hashes = ["none"] * 5 + ["size"] * 9 + [None] * 9
    products = [*"abcde", *["one model"] * 9, *range(9)]
    assert placeholder_pictures(hashes, products, at_least=5) == {"none"}


def splits_of(rows: list[tuple[str, str | None, str | None]], originals: list[int] | None = None) -> list[str]:
    ids, catalogs, models = (list(column) for column in zip(*rows, strict=True))
    return assign_splits(ids, catalogs, models, np.array(originals or [-1] * len(rows)))


def test_splits_do_not_depend_on_order_or_on_other_listings() -> None:
    draw = random.Random(1)
    rows = [(str(i), draw.choice([None, f"c{i % 70}"]), draw.choice([None, f"m{i % 50}"])) for i in range(300)]
    whole = dict(zip(rows, splits_of(rows), strict=True))
    shuffled = draw.sample(rows, len(rows))
    assert dict(zip(shuffled, splits_of(shuffled), strict=True)) == whole
    grown = [*rows, *((f"new-{i}", None, f"later-{i}") for i in range(50))]
    assert splits_of(grown)[: len(rows)] == [whole[row] for row in rows]


def test_mates_and_duplicates_share_a_split() -> None:
    rows = [(f"{i}", f"c{i % 40}", None if i % 3 else f"m{i % 7}") for i in range(200)]
    found = splits_of(rows)
    for column in (1, 2):
        sides: dict[str, set[str]] = {}
        for row, split in zip(rows, found, strict=True):
            if row[column]:
                sides.setdefault(str(row[column]), set()).add(split)
        assert all(len(split) == 1 for split in sides.values())
    alone = [(str(i), None, None) for i in range(100)]
    assert splits_of(alone, [-1] * 50 + list(range(50)))[50:] == splits_of(alone[:50])


def test_split_is_pinned_and_has_its_shares() -> None:
    """Stable for ever: these values may never change."""
    assert [split_of(f"product:{i}") for i in range(12)] == PINNED
    counts = Counter(split_of(f"product:{i}") for i in range(20_000))
    assert abs(counts["train"] / 20_000 - 0.8) < 0.01
    assert abs(counts["test"] / 20_000 - 0.1) < 0.01


def test_a_settled_listing_stays_and_takes_new_ones_to_its_side():
    none: list[str | None] = [None] * 4
    ids = ["a", "b", "c", "d"]
    settled = {"a": "test", "b": "train"}
    alone = np.full(4, -1)
    together = assign_splits(ids, ["x", "x", "x", None], none, alone, settled=settled)
    assert together[:3] == ["test", "train", "test"]  # an update linked two sides: the first one decides for new ones
    assert together[3] == assign_splits(["d"], [None], [None], alone[:1])[0]
