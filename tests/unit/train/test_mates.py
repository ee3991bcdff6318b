from __future__ import annotations

import numpy as np

from eclip.train.mates import ABSENT, Mates, numbered

GROUPS = np.array([4, 7, 4, 4, 7, 9, 4])
TITLES = np.array([0, 1, 0, 2, 1, 3, 5])  # the group of 7 has one title, 9 has one row


def drawn(mates: Mates, row: int, times: int = 200) -> list[tuple[int, int | None]]:
    return [mates.draw(row, np.random.default_rng([3, place])) for place in range(times)]


def test_a_mate_is_of_the_same_group_and_has_another_title():
    mates = Mates.of(GROUPS, TITLES)
    assert mates.num_choices.tolist() == [2, 0, 2, 3, 0, 0, 3]
    assert {mate for mate, _ in drawn(mates, 0)} == {3, 6}
    assert {mate for mate, _ in drawn(mates, 3)} == {0, 2, 6}


def test_each_mate_is_as_likely():
    chosen = [mate for mate, _ in drawn(Mates.of(GROUPS, TITLES), 3, times=3000)]
    assert np.all(np.abs(np.bincount(chosen)[[0, 2, 6]] - 1000) < 120)


def test_a_row_without_the_item_is_nobodys_mate():
    items = TITLES.copy()
    items[3] = ABSENT
    mates = Mates.of(GROUPS, items)
    assert mates.num_choices.tolist() == [1, 0, 1, 0, 0, 0, 2]
    assert {mate for mate, _ in drawn(mates, 0)} == {6}


def test_own_further_pictures_are_choices_too():
    mates = Mates.of(GROUPS, TITLES, np.array([1, 2, 0, 0, 0, 0, 0]))
    assert mates.num_choices.tolist() == [3, 2, 2, 3, 0, 0, 3]
    assert set(drawn(mates, 0)) == {(3, None), (6, None), (0, 0)}
    assert set(drawn(mates, 1)) == {(1, 0), (1, 1)}


def test_draws_agree_with_a_plain_search_on_random_groups():
    rng = np.random.default_rng(0)
    groups, items = rng.integers(0, 12, 60), rng.integers(-1, 6, 60)
    mates = Mates.of(groups, items)
    for row in range(60):
        wanted = {
            other
            for other in range(60)
            if items[row] != ABSENT and items[other] not in (ABSENT, items[row]) and groups[other] == groups[row]
        }
        assert mates.num_choices[row] == len(wanted)
        if wanted:
            assert {mate for mate, _ in drawn(mates, row)} == wanted


def test_nothing_has_no_mates():
    assert Mates.of(np.zeros(0, np.int64), np.zeros(0, np.int64)).num_choices.tolist() == []
    assert numbered(["a", None, "b", "a"]).tolist() == [0, ABSENT, 1, 0]
