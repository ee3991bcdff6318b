"""Fast paths of preparing large feeds, each against its slow and obvious twin, and how work grows with rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclip.products import clean
from eclip.products.catalogs.clusters import Clusters
from eclip.products.catalogs.conflicts import Trait, common, trait_of_values, within, written_longer
from eclip.products.catalogs.facts import attribute_pairs, telling_attributes
from eclip.products.duplicates.hamming import near_pairs
from eclip.products.pictures.picture import NEAR_BLANK
from eclip.products.plainlists import shared_paths, shared_texts
from eclip.products.report.page import stage_costs
from eclip.products.stagetimes import StageTimes, peak_memory_bytes
from eclip.products.wholefeed import _MATES, KEY_COLUMNS, _telling_pictures, near_rows, view_whole_feed
from eclip.schema import ATTRIBUTES_TYPE, PRODUCTS_SCHEMA

TEXTS = [
    "a",
    "Ab",
    "블랙",
    "mug & cup",
    "&amp;",
    "<b>",
    "\u3164",
    "\u200d",
    "\u200b",
    "😀\u200d😀",
    "\xa0",
    "  ",
    "\x07",
    "½",
    "Ａ",
]
KEY_SCHEMA = pa.schema([PRODUCTS_SCHEMA.field(name).with_nullable(nullable=True) for name in KEY_COLUMNS])


def keys_of(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{"flags": [], **row} for row in rows], schema=KEY_SCHEMA)


def picture(number: int) -> dict[str, Any]:
    return {"image_hash": f"{number:032x}", "perceptual_hash": number}


@given(st.lists(st.one_of(st.sampled_from(TEXTS), st.text(max_size=3)), max_size=8).map(" ".join))
def test_texts_that_leave_the_cleaning_at_once_come_out_as_by_all_of_it(raw: str) -> None:
    still, slow = None, raw
    while still != slow:
        still, slow = slow, clean._clean_once(slow)
    assert clean.clean_text(raw) == (slow or None)


@given(st.lists(st.one_of(st.sampled_from(TEXTS), st.characters(max_codepoint=0x3200)), max_size=8).map("".join))
def test_invisible_letters_are_sought_where_some_may_be(raw: str) -> None:
    kept = raw.replace("\ue000", "").translate(clean._BLANK_LETTERS)
    kept = clean._JOINER_IN_EMOJI.sub("\ue000", kept)
    slow = "".join("\u200d" if letter == "\ue000" else clean._visible(letter) for letter in kept)
    assert clean.remove_invisible(raw) == slow


def trait(rng: Random, rule: Any, num_rows: int) -> Trait:
    sets = [frozenset(rng.sample(["xm4", "wh1000xm4", "b", "bc", "d"], rng.randint(1, 2))) for _ in range(6)]
    sets = list(dict.fromkeys(sets))
    codes = np.array([rng.randrange(-1, len(sets)) for _ in range(num_rows)])
    return Trait(name=rule.__name__, codes=codes, sets=sets, rule=rule)


def clusters(seed: int, num_rows: int = 12) -> Clusters:
    rng = Random(seed)
    ranks = list(range(num_rows))
    rng.shuffle(ranks)
    return Clusters(
        traits=[trait(rng, rule, num_rows) for rule in (common, within, written_longer)],
        sellers=np.array([rng.randrange(-1, 3) for _ in range(num_rows)]),
        asked=np.array([float(rng.randrange(3)) for _ in range(num_rows)]),
        ranks=np.array(ranks),
    )


def told(of: Clusters, root: int) -> list[Any]:
    values = [fact[root] if fact[root] < 0 else t.sets[fact[root]] for t, fact in zip(of.traits, of.facts, strict=True)]
    return [sorted(of.members(root)), of.sizes[root], of.first_ranks[root], *values]


@pytest.mark.parametrize("seed", range(40))
def test_rows_united_at_once_are_as_rows_united_one_by_one(seed: int) -> None:
    rows = Random(seed).sample(range(12), Random(seed).randint(2, 9))
    at_once, slow = clusters(seed), clusters(seed)
    at_once.unite_singles(rows)
    root = slow.root(rows[0])
    for row in rows[1:]:
        root = slow.unite(root, slow.root(row))
    assert told(at_once, at_once.root(rows[-1])) == told(slow, root)
    assert at_once.root(rows[0]) == root
    assert at_once.roots().tolist() == [at_once.root(row) for row in range(12)]


@pytest.mark.parametrize("seed", range(10))
def test_offers_that_are_merged_are_those_that_are_gathered_anew(seed: int) -> None:
    found, rng = clusters(seed), Random(seed)
    for _ in range(9):
        one, two = found.root(rng.randrange(12)), found.root(rng.randrange(12))
        found._offers_of(one)
        if rng.random() < 0.7:
            found._offers_of(two)
        merged = found._offers_of(found.unite(one, two))
        fresh = clusters(seed)
        fresh._next, fresh.parent = found._next, found.parent
        assert merged == fresh._offers_of(found.root(one))


def test_a_given_catalog_of_many_barcodes_costs_their_number_not_its_square() -> None:
    num = 2_000
    barcodes = trait_of_values("barcodes", [str(row) for row in range(num)], within)
    found = Clusters(traits=[barcodes], sellers=np.full(num, -1), asked=np.zeros(num), ranks=np.arange(num))
    found.unite_singles(range(num))
    assert sum(map(len, barcodes.sets)) == 2 * num
    assert len(barcodes.sets[found.facts[0][found.root(0)]]) == num


def test_attributes_that_tell_are_those_of_all_attributes() -> None:
    rows = [
        [("Colour", ["Jet Black", "white"]), ("material", ["wool"]), ("size", ["XL"])],
        None,
        [],
        [("COLOR", []), ("fit", ["slim"])],
        [("색상", ["블랙"]), ("colour", ["red"])],
        [("shape", ["round"])],
    ]
    column = pa.chunked_array([pa.array(rows[:2], ATTRIBUTES_TYPE), pa.array(rows[2:], ATTRIBUTES_TYPE)])
    for part in (column, column.slice(1), column.slice(3, 2), column.slice(0, 0)):
        assert attribute_pairs(telling_attributes(part)) == attribute_pairs(part.to_pylist())
    assert attribute_pairs(telling_attributes(column))[0]


def test_shared_lists_are_the_column() -> None:
    texts = pa.chunked_array([["a", None, "b"], [], ["a", "c"]], pa.string())
    assert shared_texts(texts) == texts.to_pylist()
    assert shared_texts(texts.slice(0, 0)) == []
    paths = pa.chunked_array([[["a", "b"], None], [[], ["a", "b"], ["a"]]], pa.list_(pa.string()))
    assert shared_paths(paths) == paths.to_pylist()
    found = shared_paths(paths)
    assert found[0] is found[3]


def test_telling_pictures_by_hand() -> None:
    keys = keys_of(
        [
            {"product_id": "1", **picture(5)},
            {"product_id": "2"},
            {"product_id": "3", **picture(6), "flags": ["odd", NEAR_BLANK]},
            {"product_id": "4", **picture(7), "flags": None},
            {"product_id": "5", **picture(8), "flags": ["odd"]},
        ]
    )
    assert _telling_pictures(keys, {picture(7)["image_hash"]}).tolist() == [True, False, False, False, True]
    both = pa.concat_tables([keys.slice(2), keys.slice(0, 2)])
    assert _telling_pictures(both, set()).tolist() == [False, True, True, True, False]


def test_few_rows_of_near_pictures_all_meet() -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 1 << 62, 40, dtype=np.uint64)[rng.integers(0, 12, 40)]
    hashes ^= np.uint64(1) << rng.integers(0, 3, 40, dtype=np.uint64)
    keys = keys_of(
        [{"product_id": str(row), "title": f"t{row % 7}", **picture(int(word))} for row, word in enumerate(hashes)]
    )
    telling = rng.random(40) < 0.9
    found = {tuple(sorted(pair)) for pair in near_rows(keys, telling).tolist()}
    near = {
        (one, two)
        for one, two in combinations(np.flatnonzero(telling).tolist(), 2)
        if int(hashes[one] ^ hashes[two]).bit_count() <= 4
    }
    assert found == near


def test_thousands_of_offers_under_one_picture_cost_as_many_pairs() -> None:
    num = 3_000
    pairs = list(near_pairs(np.full(num, 7, np.uint64), 4, mates=_MATES))
    assert sum(len(block.left) for block in pairs) <= _MATES * num
    two = np.repeat(np.array([7, 6], np.uint64), num)
    assert sum(len(block.left) for block in near_pairs(two, 4, mates=_MATES)) <= 2 * _MATES * num + _MATES**2


def test_equal_pixels_and_listings_of_one_catalog_are_not_looked_at() -> None:
    shared = {"brand": "Orvo", "title": "Orvo Kestrel kettle"}
    keys = keys_of(
        [
            {"product_id": "1", "seller": "a", "feed_catalog_id": "k", **shared, **picture(1)},
            {"product_id": "2", "seller": "b", "feed_catalog_id": "k", **shared, **picture(3)},
            {"product_id": "3", "seller": "c", **shared, "title": "Orvo Kestrel kettle new", **picture(3)},
        ]
    )

    def nobody_asks(rows: Sequence[int]) -> list[bytes | None]:
        raise AssertionError(rows)

    whole = view_whole_feed(keys.slice(0, 2), nobody_asks)
    assert whole.columns["catalog_id"].to_pylist() == ["k", "k"]
    asked: list[int] = []

    def note(rows: Sequence[int]) -> list[bytes | None]:
        asked.extend(rows)
        return [None] * len(rows)

    whole = view_whole_feed(keys, note)
    assert whole.columns["catalog_id"].to_pylist() == ["k", "k", "k"]  # by 2 and 3, whose pixels are equal
    assert {1, 2} != set(asked)


def test_stages_add_up_and_tell_what_limits() -> None:
    times = StageTimes()
    assert list(times.each("read", range(3))) == [0, 1, 2]
    with pytest.raises(ZeroDivisionError), times.stage("write"):
        _ = 1 / 0
    with times.stage("write"):
        pass
    assert list(times.seconds) == list(times.processor_seconds) == ["read", "write"]
    assert all(spent >= 0 for spent in times.seconds.values())
    costs = stage_costs(
        {"stage_seconds": {"a": 2.0, "b": 4.0, "report": 9.0}, "stage_processor_seconds": {"a": 1.0}}, 100
    )
    assert [(c.name, c.processor_seconds, c.rows_per_second, c.share) for c in costs] == [
        ("a", 1.0, 50.0, 0.5),
        ("b", 0.0, 25.0, 1.0),
    ]
    assert stage_costs({}, 100) == []
    assert peak_memory_bytes() > 10 << 20


def drawn_keys(num_rows: int) -> pa.Table:
    """Offers of num_rows / 3 products: two large sellers, shared pictures, generic titles, a tenth listed again."""
    rng = Random(num_rows)
    rows: list[dict[str, Any]] = []
    for row in range(num_rows):
        if row and rng.random() < 0.1:
            rows.append({**rng.choice(rows), "product_id": str(row)})
            continue
        product = rng.randrange(num_rows // 3)
        own = Random(product)
        generic = rng.random() < 0.1
        rows.append(
            {
                "product_id": str(row),
                "title": "Cotton T-Shirt" if generic else f"Series{product} {own.choice(('Mug', 'Lamp'))} {row % 3}",
                "seller": f"seller {rng.choice((0, 1, rng.randrange(num_rows // 50)))}",
                "price": 10.0,
                "feed_catalog_id": f"c{product}" if rng.random() < 0.3 else None,
                **picture(own.getrandbits(63) ^ (rng.randrange(3) << rng.randrange(60))),
            }
        )
    return keys_of(rows)


@pytest.mark.slow
def test_work_grows_with_the_rows_alone() -> None:
    """Pairs met and pictures looked at, at four times the rows: four times as many, within a quarter."""
    work = []
    for num_rows in (2_000, 8_000):
        keys, looks = drawn_keys(num_rows), [0]

        def look(rows: Sequence[int], looks: list[int] = looks) -> list[bytes | None]:
            looks[0] += len(rows)
            return [None] * len(rows)

        pairs = near_rows(keys, np.ones(num_rows, dtype=bool))
        whole = view_whole_feed(keys, look)
        assert whole.duplicates > 0
        assert whole.catalogs > 0
        work.append((len(pairs), looks[0], len(whole.conflicts) + 10))
    for few, many in zip(*work, strict=True):
        assert many <= 1.25 * 4 * few, work


def test_a_store_without_listings_has_its_columns() -> None:
    whole = view_whole_feed(keys_of([]), lambda rows: [None] * len(rows))
    assert (whole.columns.num_rows, whole.loss_groups, whole.catalogs, whole.splits) == (0, 0, 0, {})
