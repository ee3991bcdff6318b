from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eclip.errors import StoreError
from eclip.products.duplicates.cells import COMPARED_ROWS
from eclip.products.duplicates.exact import find_duplicates
from eclip.products.duplicates.index import DuplicateIndex
from eclip.products.duplicates.keys import ListingColumns
from eclip.products.duplicates.near import NEAR_PICTURE, NEAR_WORDS, Duplicates, find_near_duplicates

Row = dict[str, object]


def listing(title: str | None, bits: int | None = 0, **given: object) -> Row:
    """One listing; its picture has so many bits set, None = no picture."""
    picture = None if bits is None else (1 << bits) - 1
    return {"title": title, "picture": picture, "seller": "a", "catalog": None, "gtin": None, "copy": 0, **given}


def columns(rows: Sequence[Row]) -> ListingColumns:
    def column(name: str) -> list:
        return [row[name] for row in rows]

    pictures = column("picture")
    return ListingColumns(
        titles=column("title"),
        sellers=column("seller"),
        image_hashes=[None if p is None else f"{p}-{row['copy']}" for p, row in zip(pictures, rows, strict=True)],
        perceptual_hashes=np.array([p or 0 for p in pictures], dtype=np.uint64),
        telling=np.array(
            [p is not None and not row.get("placeholder") for p, row in zip(pictures, rows, strict=True)], dtype=bool
        ),
        catalog_ids=column("catalog"),
        facts={"gtin": column("gtin")},
    )


def found(*rows: Row) -> list[int]:
    return find_near_duplicates(columns(rows)).originals.tolist()


@pytest.mark.parametrize(
    "title",
    [
        "Noma red leather SHOE",
        "noma leather shoe red",
        "Noma Red Leather Shoe !!",
        "Red leather shoe",
        "Noma leather shoe new red",
    ],
)
def test_a_slightly_edited_listing_repeats_the_first(title: str) -> None:
    result = find_near_duplicates(columns([listing("Noma Red Leather Shoe", 20), listing(title, 24)]))
    assert result.originals.tolist() == [-1, 0]
    assert result.reasons == [None, NEAR_PICTURE]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Mild hair shampoo 500ml", "Mild hair shampoo 1l"),
        ("Mild hair shampoo", "Mild hair shampoo 2-pack"),
        ("Noma leather shoe black", "Noma leather shoe white"),
        ("노마 가죽 신발 블랙", "노마 가죽 신발 화이트"),
        ("Noma cotton shirt M", "Noma cotton shirt XL"),
        ("Noma phone WH-1000XM4", "Noma phone WH-1000XM5"),
        ("Noma red leather shoe", "Noma red leather boot"),
        ("Noma", "Noma red leather shoe"),
    ],
)
def test_titles_that_say_another_thing_are_new(one: str, two: str) -> None:
    assert found(listing(one, 20), listing(two, 20, copy=1)) == [-1, -1]


def test_another_seller_catalog_barcode_or_picture_is_new() -> None:
    first = listing("Noma red shoe", 20, catalog="c", gtin="1")
    assert found(first, listing("Noma red shoe !", 22)) == [-1, 0]
    assert found(first, listing("Noma red shoe !", 22, seller="b")) == [-1, -1]
    assert found(first, listing("Noma red shoe !", 22, catalog="d")) == [-1, -1]
    assert found(first, listing("Noma red shoe !", 22, gtin="2")) == [-1, -1]
    assert found(first, listing("Noma red shoe !", 29)) == [-1, -1]
    assert found(first, listing("Noma red shoe !", None)) == [-1, -1]
    assert found(first, listing("Noma red shoe !", 22, placeholder=True)) == [-1, -1]


def test_without_pictures_the_words_must_be_the_same() -> None:
    rows = [listing("Noma red shoe", None), listing("shoe, red: Noma", None), listing("Noma red shoe new", None)]
    result = find_near_duplicates(columns(rows))
    assert result.originals.tolist() == [-1, 0, -1]
    assert result.reasons[1] == NEAR_WORDS


def test_a_duplicates_facts_bind_those_that_follow() -> None:
    rows = [
        listing("Noma red shoe", 20),
        listing("Noma red shoe !", 21, gtin="1"),
        listing("Noma red shoe !!", 22, gtin="2", copy=1),
        listing("noma shoe red", 23, gtin="2"),
    ]
    assert found(*rows) == [-1, 0, -1, 2]


def drawn_rows(num: int, *, seed: int) -> list[Row]:
    draw = random.Random(seed)
    words = ["noma", "red", "blue", "shoe", "boot", "500ml", "2", "new", "soft", "가방"]
    rows = []
    for _ in range(num):
        title = " ".join(draw.sample(words, draw.randint(2, 5))) if draw.random() < 0.95 else None
        facts = {"catalog": draw.choice([None, None, "c", "d"]), "gtin": draw.choice([None, None, None, "1", "2"])}
        bits = draw.choice([None, 0, 3, 7, 20, 24, 40, 44])
        rows.append(listing(title, bits, seller=draw.choice(["a", "b", None]), copy=draw.randrange(2), **facts))
    return rows


def plainly(rows: Sequence[Row], radius: int) -> list[int]:  # noqa: C901 - the rules, one after the other
    """The rules of `near`, row by row against each original before."""
    from eclip.products.duplicates.titlewords import TitleWords

    titles = [str(row["title"]).casefold() if row["title"] else None for row in rows]
    words = TitleWords.of(titles)
    sets = [set(words.words[words.starts[i] : words.starts[i + 1]].tolist()) for i in range(len(rows))]
    contents = [
        (titles[i], row["seller"], row["picture"], row["copy"] * (row["picture"] is not None))
        if row["seller"] is not None or row["picture"] is not None
        else ("of its own", i)
        for i, row in enumerate(rows)
    ]
    claims = [{"catalog": row["catalog"], "gtin": row["gtin"]} for row in rows]
    roots = list(range(len(rows)))

    def agrees(i: int, j: int) -> bool:
        one, two = rows[i], rows[j]
        if (
            one["seller"] is None
            or one["seller"] != two["seller"]
            or words.numbers[i] != words.numbers[j]
            or not sets[i]
            or not sets[j]
        ):
            return False
        if (one["picture"] is None) != (two["picture"] is None):
            return False
        if one["picture"] is None:
            return sets[i] == sets[j]
        small, large = sorted((sets[i], sets[j]), key=len)
        paints = {int(words.colours[i]), int(words.colours[j])} - {0}
        near = (one["picture"] ^ two["picture"]).bit_count() <= radius  # type: ignore[operator]
        return near and len(paints) < 2 and small <= large and 3 * len(small) >= 2 * len(large)

    for i, row in enumerate(rows):
        same = [j for j in range(i) if contents[j] == contents[i]]
        alike = [j for j in same if rows[j]["catalog"] == row["catalog"]]
        free = [j for j in same if rows[j]["catalog"] is None]
        root = i
        if alike:
            root = roots[alike[-1]]
        elif same and row["catalog"] is None:
            root = roots[same[0]]
        elif free and claims[roots[free[0]]]["catalog"] in (None, row["catalog"]):
            root = roots[free[0]]
        elif not same:
            for j in range(i):
                first = all(contents[k] != contents[j] for k in range(j))
                fits = all(None in (claims[j][f], row[f]) or claims[j][f] == row[f] for f in claims[j])
                if first and roots[j] == j and fits and agrees(i, j):
                    root = j
                    break
        roots[i] = root
        for name in claims[root]:
            claims[root][name] = claims[root][name] or row[name]
    return [-1 if root == i else root for i, root in enumerate(roots)]


@pytest.mark.parametrize("seed", range(4))
def test_found_equals_the_plain_rules(seed: int) -> None:
    rows = drawn_rows(250, seed=seed)
    expected = plainly(rows, 8)
    assert found(*rows) == expected
    assert len({e for e in expected if e >= 0}) > 5


@pytest.mark.parametrize("seed", range(3))
def test_answers_of_a_saved_index_equal_finding_at_once(seed: int, tmp_path: Path) -> None:
    rows = drawn_rows(240, seed=seed)
    at_once = find_near_duplicates(columns(rows))
    index = DuplicateIndex.build(columns(rows[:100]))
    for start, stop in ((100, 101), (101, 170), (170, 240)):
        index.save(tmp_path / "duplicates.index")
        index = DuplicateIndex.open(tmp_path / "duplicates.index")
        answer = index.find(columns(rows[start:stop]))
        assert answer.originals.tolist() == at_once.originals[start:stop].tolist()
        assert answer.reasons == at_once.reasons[start:stop]
        again, index = index.added(columns(rows[start:stop]))
        assert again.originals.tolist() == answer.originals.tolist()
    assert index.originals.tolist() == [e if e >= 0 else i for i, e in enumerate(at_once.originals.tolist())]


def test_exact_duplicates_are_those_of_the_exact_finder_where_no_titles_are_near() -> None:
    draw = random.Random(0)
    rows = [
        listing(draw.choice("pqr"), draw.choice([None, 10, 30]), catalog=draw.choice([None, "c", "d"]))
        for _ in range(80)
    ]
    asked = columns(rows)
    exact, reasons = find_duplicates(asked.titles, asked.sellers, asked.image_hashes, asked.catalog_ids)
    result = find_near_duplicates(asked)
    assert result.originals.tolist() == exact.tolist()
    assert result.reasons == reasons


def test_a_damaged_or_foreign_index_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "duplicates.index"
    with pytest.raises(StoreError, match="can't be read"):
        DuplicateIndex.open(path)
    index = DuplicateIndex.build(columns(drawn_rows(20, seed=0)))
    index.save(path)
    path.write_bytes(path.read_bytes()[:-64])
    with pytest.raises(StoreError, match="cut off"):
        DuplicateIndex.open(path)
    path.write_bytes(b"something else entirely")
    with pytest.raises(StoreError, match="no file of arrays"):
        DuplicateIndex.open(path)
    with pytest.raises(StoreError, match="compares gtin; got listings with none"):
        index.find(ListingColumns(**{**vars(columns([])), "facts": {}}))


def test_nothing_is_found_in_nothing() -> None:
    empty: Duplicates = find_near_duplicates(columns([]))
    assert empty.originals.tolist() == empty.reasons == []


def test_a_row_is_compared_with_the_first_of_a_heavy_cell_only_also_in_batches() -> None:
    many = [listing("Noma shoe", 20, catalog=f"c{i}", copy=i) for i in range(COMPARED_ROWS + 1)]
    asked = [listing("Noma shoe !", 20, catalog=catalog, copy=999) for catalog in ("c0", f"c{COMPARED_ROWS}")]
    assert found(*many, *asked)[-2:] == [0, -1]
    index = DuplicateIndex.build(columns(many[:100])).extended(columns(many[100:]))
    assert index.find(columns(asked)).originals.tolist() == [0, -1]


def test_without_a_named_seller_only_the_same_content_repeats() -> None:
    rows = [listing("Noma red tie", 20, seller=None, copy=copy) for copy in (0, 1, 0)]
    assert found(*rows) == [-1, -1, 0]


def test_without_seller_and_picture_a_title_repeats_nothing() -> None:
    """One jeweller's dozens of "silver earrings" are as many products."""
    title = "Noma silver earrings"
    alone = [listing(title, None, seller=None), listing(title, None, seller=None, catalog="c")]
    assert found(*alone, *alone) == [-1] * 4
    told = [
        listing(title, None),
        listing(title, 20, seller=None),
        listing(title, None),
        listing(title, 20, seller=None),
    ]
    assert found(*alone, *told) == [-1, -1, -1, -1, 2, 3]
    index = DuplicateIndex.build(columns([*alone, *told]))
    assert index.find(columns([*alone, *told])).originals.tolist() == [-1, -1, 2, 3, 2, 3]


def test_the_judge_of_pictures_has_the_last_word_on_rows_counted_over_the_index() -> None:
    rows = [listing("Noma red tie", 20), listing("Noma red tie !", 21), listing("Noma red tie !!", 22, copy=1)]
    asked: list[tuple[int, int]] = []

    def confirm(later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
        asked.extend(zip(later.tolist(), earlier.tolist(), strict=True))
        return later != 1

    assert find_near_duplicates(columns(rows), confirm=confirm).originals.tolist() == [-1, -1, 0]
    assert set(asked) == {(1, 0), (2, 0), (2, 1)}
    asked.clear()
    found_later = DuplicateIndex.build(columns(rows[:1])).find(columns(rows[1:]), confirm=confirm)
    assert found_later.originals.tolist() == [-1, 0]
    assert set(asked) == {(1, 0), (2, 0), (2, 1)}
