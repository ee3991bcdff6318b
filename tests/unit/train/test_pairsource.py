from __future__ import annotations

from eclip.train.pairs import read_training_pairs
from eclip.train.pairsource import open_pairs
from eclip.train.views import ViewsConfig

TITLES_ALONE = ViewsConfig(picture_title=0, title_title=1, extra_text=("brand", "attributes"))


def pairs_file(tmp_path):
    lines = [
        f"COL title VAL red shoe {n} COL brand VAL b{n}\tCOL title VAL shoe number {n} in red\t1" for n in range(9)
    ]
    lines += ["COL title VAL red shoe 0 COL brand VAL b0\tCOL title VAL crimson shoe 0 COL size VAL 42\t1"]
    lines += ["COL title VAL red shoe 1 COL brand VAL b1\tCOL title VAL red shoe 2 COL brand VAL b2\t0"]
    path = tmp_path / "pairs.txt"
    path.write_text("\n".join(lines) + "\nbroken\n")
    return path


def test_records_become_products_and_positive_pairs_groups(tmp_path, capsys):
    source = open_pairs(pairs_file(tmp_path))
    assert "1 lines are no pairs" in capsys.readouterr().err
    pairs = read_training_pairs(source, TITLES_ALONE)
    assert len(pairs) == 19  # each record once
    groups = dict(zip(pairs.titles, pairs.groups.tolist(), strict=True))
    assert groups["red shoe 0"] == groups["shoe number 0 in red"] == groups["crimson shoe 0"]
    assert groups["red shoe 1"] != groups["red shoe 2"]
    assert len(set(groups.values())) == 9
    assert pairs.num_pulling() == {"picture_title": 0, "title_title": 19, "picture_picture": 0}
    extra = dict(zip(pairs.titles, pairs.extra_texts, strict=True))
    assert extra["red shoe 3"] == ("b3",)
    assert extra["crimson shoe 0"] == ("42",)
