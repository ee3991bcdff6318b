from __future__ import annotations

import pytest

from eclip.errors import FeedError
from eclip.products.pairsfile import parse_record, read_pairs_file, record_title


def written(tmp_path, text, name="pairs.txt"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_record_in_col_val_form():
    record = parse_record("COL title VAL  red  shoe COL brand VAL  COL Price VAL 9.5 ")
    assert record == {"title": "red shoe", "brand": "", "price": "9.5"}
    assert parse_record('COL title VAL "Kamera"@de COLOR VALUE') == {"title": '"Kamera"@de COLOR VALUE'}
    assert parse_record("just a title") == {"title": "just a title"}


@pytest.mark.parametrize(
    ("record", "title"),
    [
        ({"brand": "b", "title": "t"}, "t"),
        ({"name": "n", "price": "1"}, "n"),
        ({"title": "", "maker": "m"}, "m"),
        ({"a": ""}, ""),
    ],
)
def test_what_a_record_calls_itself(record, title):
    assert record_title(record) == title


def test_lines_with_labels_and_without(tmp_path):
    text = "COL title VAL a COL price VAL 1\tCOL title VAL b\t1\r\n\nCOL title VAL c\tCOL title VAL d\t0\ne\tf\n"
    pairs = read_pairs_file(written(tmp_path, text))
    assert pairs.left == [{"title": "a", "price": "1"}, {"title": "c"}, {"title": "e"}]
    assert pairs.right == [{"title": "b"}, {"title": "d"}, {"title": "f"}]
    assert pairs.labels == [True, False, None]
    assert len(pairs) == 3
    assert pairs.told() is None


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("left,right,label", "a red shoe,COL title VAL shoe COL brand VAL x,1"),
        ("left;right;label", "a red shoe;COL title VAL shoe COL brand VAL x;1"),
        ("id,ltable_id,ltable_title,rtable_title,rtable_brand,label", "7,1,a red shoe,shoe,x,1"),
        ("label,left_title,right_title,right_brand", "1,a red shoe,shoe,x"),
    ],
)
def test_tables_with_columns_of_both_sides(tmp_path, header, row):
    pairs = read_pairs_file(written(tmp_path, f"\ufeff{header}\n{row}\n", "pairs.csv"))
    assert (pairs.left, pairs.labels) == ([{"title": "a red shoe"}], [True])
    assert pairs.right == [{"title": "shoe", "brand": "x"}]


def test_a_quoted_cell_may_hold_a_comma_and_a_line_end(tmp_path):
    pairs = read_pairs_file(written(tmp_path, 'left,right\n"shoe, red\nnew",boot\n'))
    assert pairs.left == [{"title": "shoe, red new"}]
    assert pairs.labels == [None]


def test_bad_lines_are_counted_and_kept_with_their_reason(tmp_path):
    pairs = read_pairs_file(written(tmp_path, "a\tb\t1\nonly one\nc\td\tmaybe\nCOL title VAL \te\t0\n"))
    assert len(pairs) == 1
    assert [bad.line for bad in pairs.bad_lines] == [2, 3, 4]
    assert "found 1" in pairs.bad_lines[0].reason
    assert "'maybe'" in pairs.bad_lines[1].reason
    assert "left record is empty" in pairs.bad_lines[2].reason
    assert "3 lines are no pairs" in str(pairs.told())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("id,title\n1,a shoe\n", "holds no pair"),
        ("left,right\n", "no lines below the header"),
        (b"a\tb\xff\t1\n", "is not UTF-8"),
        ('left,right\n"a,b\n', "is not CSV"),
    ],
)
def test_what_is_no_pairs_file_is_refused_in_a_line(tmp_path, text, said):
    with pytest.raises(FeedError, match=said):
        read_pairs_file(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FeedError, match=r"no\.txt: can't be read"):
        read_pairs_file(tmp_path / "no.txt")
