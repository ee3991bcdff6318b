"""Matching learned from a pairs file, its answers with reasons, and catalogs for new listings."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from eclip.errors import FeedError, ModelError
from eclip.products.pairsfile import read_pairs_file
from eclip.tasks.matching.assign import NOTHING, CatalogIndex, assign
from eclip.tasks.matching.draw import Pairs
from eclip.tasks.matching.features import PairSource
from eclip.tasks.matching.pairfit import fit_on_pairs, judge_pairs
from eclip.tasks.matching.pairlist import pair_list
from eclip.tasks.matching.recalling import KnownListings
from eclip.tasks.matching.results import assignment_results, strict_results, strict_threshold
from eclip.tasks.matching.scorers import PairScorers

KINDS = ("kettle", "toaster", "lamp", "scale", "radio")


def title(item: int, *, colour: str = "black", extra: str = "") -> str:
    return f"acme {KINDS[item % 5]} ak{1000 + 7 * item} {colour} {extra}".strip()


def pairs_text() -> str:
    """Offers of 90 items: the same number is the same item, and another colour is another item."""
    lines = []
    for item in range(90):
        extra = ("new", "offer", "sale")[item % 3]
        one = f"COL title VAL {title(item)} COL price VAL {10 + item}.0"
        lines.append(f"{one}\tCOL title VAL {title(item, extra=extra)} COL price VAL {10 + item}.5\t1")
        lines.append(f"{one}\tCOL title VAL {title((item + 5) % 90)} COL price VAL {20 + item}.0\t0")
        lines.append(f"{one}\tCOL title VAL {title(item, colour='red', extra=extra)} COL price VAL {11 + item}.0\t0")
    return "\n".join(lines) + "\n"


def constant(titles) -> np.ndarray:
    return np.ones((len(titles), 2), dtype=np.float32) / 2**0.5


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    path = folder / "train.txt"
    path.write_text(pairs_text())
    pairs = read_pairs_file(path)
    summary = fit_on_pairs(pairs, constant, folder / "tasks", model_digest="m", learned_from="other", seed=0)
    content = json.loads((folder / "tasks" / "matching" / "task.json").read_text())
    return summary, content, PairScorers.from_json(content["scorers"])


def test_a_pairs_file_alone_teaches_matching(fitted):
    summary, content, scorers = fitted
    assert (summary.pairs, summary.same) == (270, 90)
    assert summary.F1 > 0.95
    assert summary.average_precision > 0.95
    assert content["level"] == "pairs"
    assert content["strict_threshold"] is not None
    assert scorers.needs_vectors


def test_answers_come_in_order_with_reasons(fitted, tmp_path):
    scorers = fitted[2]
    path = tmp_path / "asked.txt"
    lines = [
        f"COL title VAL {title(3)} COL price VAL 13\tCOL title VAL {title(3, extra='offer')} COL price VAL 13",
        "no pair at all",
        f"COL title VAL {title(3)}\tCOL title VAL {title(8)}",
        f"COL title VAL {title(3)} COL price VAL 13\tCOL title VAL {title(3, colour='red')} COL price VAL 13",
        "neither",
    ]
    path.write_text("\n".join(lines) + "\n")
    found = list(judge_pairs(read_pairs_file(path), constant, scorers))
    assert [each.line for each in found] == [1, 2, 3, 4, 5]
    assert [each.same for each in found] == [True, None, False, False, None]
    assert "same model number ak1021" in found[0].reason
    assert found[1].probability is None
    assert found[1].reason.startswith("no pair: expected two or three parts")
    assert "model numbers differ (ak1021, ak1056)" in found[2].reason
    assert found[3].reason == "colours differ (black, red), black against red, same model number ak1021"


def test_cosines_of_a_model_that_learned_from_the_file_are_left_out(tmp_path, capsys):
    path = tmp_path / "train.txt"
    path.write_text(pairs_text())
    pairs = read_pairs_file(path)

    def never(titles):
        raise AssertionError

    fit_on_pairs(pairs, never, tmp_path / "tasks", model_digest="m", learned_from=pairs.digest, seed=0)
    assert "its cosines are left out" in capsys.readouterr().err
    content = json.loads((tmp_path / "tasks" / "matching" / "task.json").read_text())
    scorers = PairScorers.from_json(content["scorers"])
    assert not scorers.needs_vectors
    assert len(list(judge_pairs(pairs, never, scorers))) == 270


def test_a_listing_known_again_is_held_against_its_mates():
    """A mate carries what the listing lacks; who has none is judged alone, and what was learned survives the disk."""
    titles = ["acme lamp", "acme lamp ak1", "acme lamp ak2", "lamp ak1 new", "other"]
    vectors = np.ones((5, 1), dtype=np.float32)
    source = PairSource(titles=titles, image_vectors=np.full((5, 1), np.nan), text_vectors=vectors)
    pairs = Pairs(left=np.array([0, 0, 1]), right=np.array([1, 2, 1]), same=np.array([True, False, True]))
    known = KnownListings.of(source, pairs)
    assert dict(known.mates) == {0: (1,), 1: (0,)}
    read = KnownListings.from_json(json.loads(json.dumps(known.as_json())))
    assert list(read.source.titles) == titles[:2]

    class Overlap:  # how many words two titles share
        def evidence(self, source, left, right):
            shared = [
                len({*source.titles[a].split()} & {*source.titles[b].split()}) for a, b in zip(left, right, strict=True)
            ]
            return {"words": np.array(shared, dtype=float)}

        def log_odds(self, evidence):
            return evidence["words"]

    asked = source.take(np.array([3, 0, 4, 1]))
    # Listings of a feed have wider vectors than those that a scorer without cosines keeps.
    wide = dataclasses.replace(asked, image_vectors=np.full((4, 3), np.nan), text_vectors=np.ones((4, 2)))
    for listings, others in ((known, asked), (read, asked), (read, wide)):
        found = listings.columns(Overlap(), others, np.array([1, 0, 0, 1]), np.array([0, 1, 2, 3]))
        assert found[0].tolist() == [2, 2, 2]  # "lamp ak1 new" against the mate "acme lamp ak1"
        assert found[1].tolist() == [2, 2, 2]  # in either order
        assert np.isnan(found[2]).all()
        assert np.isnan(found[3]).all()  # the mate itself is no witness


def test_trees_that_ask_for_columns_that_are_not_there_are_refused(fitted):
    """The loop checks no bounds: it would read what lies behind the row."""
    told = fitted[1]["scorers"]["text"]
    base = {**told["base"], "names": told["base"]["names"][:1]}
    for damaged in (base, {**told, "base": base}, {**told, "trees": told["base"]["trees"]}):
        with pytest.raises(ModelError, match="damaged"):
            PairScorers.from_json({"text": damaged})


def test_mates_can_be_left_out(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text(pairs_text())
    pairs = read_pairs_file(path)
    settings = {"model_digest": "m", "learned_from": pairs.digest, "seed": 0}
    fit_on_pairs(pairs, constant, tmp_path / "tasks", recall=False, **settings)
    text = (tmp_path / "tasks" / "matching" / "task.json").read_text()
    assert json.loads(text)["scorers"]["text"]["kind"] == "boosted"
    assert "acme lamp ak" not in text  # no record is kept


def test_too_few_labels_are_refused(tmp_path):
    path = tmp_path / "few.txt"
    path.write_text("red mug\tred mug\t1\nred mug\tblue mug\t0\nred mug\tgreen mug\n")
    with pytest.raises(FeedError, match=r"1 pairs are labelled same \(1\), at least 50 are needed"):
        fit_on_pairs(read_pairs_file(path), constant, tmp_path / "tasks", model_digest="m", learned_from=None, seed=0)


def test_a_record_of_many_pairs_is_one_listing(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("left_title,left_brand,right_title,right_brand\nred mug,acme,blue mug,\nred mug,acme,mug,\n")
    listed = pair_list(read_pairs_file(path), constant)
    assert list(listed.source.titles) == ["red mug", "blue mug", "mug"]
    assert list(listed.source.records or []) == [{"brand": "acme"}, {}, {}]
    assert listed.left.tolist() == [0, 0]
    assert listed.right.tolist() == [1, 2]
    assert listed.labels == [None, None]


def listings(titles: list[str]) -> PairSource:
    missing = np.full((len(titles), 2), np.nan, dtype=np.float32)
    return PairSource(titles=titles, image_vectors=missing, text_vectors=constant(titles))


def test_listings_find_their_catalog_by_rare_words_or_none(fitted):
    """All vectors are the same here, so that the number in the title must lead to the catalog."""
    known = [title(item, extra=extra) for item in range(60) for extra in ("", "new")]
    index = CatalogIndex.of(listings(known), [f"c{row // 2}" for row in range(len(known))])
    asked = [title(41, extra="offer"), title(77), title(41, colour="red"), known[10]]
    scorers = PairScorers({"text": fitted[2].by_modality["text"].base})  # as a store's, which remembers no pairs
    found = assign(index, listings(asked), scorers, own_rows=np.array([-1, -1, -1, 10]))
    assert [each.catalog for each in found] == ["c41", None, None, "c5"]
    assert found[0].named[0] == "c41"
    assert "same model number ak1287" in found[0].reason
    assert found[1].best is not None  # named, though it is not probable enough
    assert found[2].best == "c41"
    assert found[3].row == 11  # its mate, not itself


def test_of_a_large_catalog_those_that_led_to_it_are_judged(fitted):
    """The eighth member is the mate; the six of the store that come first are nothing like the listing."""
    known = [*(f"plain cup number {number}" for number in range(7)), title(41), *(title(item) for item in range(20))]
    index = CatalogIndex.of(listings(known), ["large"] * 8 + [f"c{item}" for item in range(20)])
    scorers = PairScorers({"text": fitted[2].by_modality["text"].base})
    (found,) = assign(index, listings([title(41, extra="offer")]), scorers)
    assert (found.catalog, found.row) == ("large", 7)
    (found,) = assign(index, listings([title(41)]), scorers, own_rows=np.array([7]))
    assert found.row != 7


def test_nothing_in_common_is_nothing_found(fitted):
    index = CatalogIndex.of(listings(["acme kettle"]), ["c0"])
    missing = np.full((1, 2), np.nan, dtype=np.float32)
    asked = PairSource(titles=["unrelated"], image_vectors=missing, text_vectors=missing)
    assert assign(index, asked, fitted[2]) == [NOTHING]


def test_strict_threshold_and_figures_by_hand():
    same = np.array([True, True, False, True, False])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.1])
    assert strict_threshold(same, scores) == 0.8
    assert strict_threshold(same, scores, precision=0.75) == 0.6
    assert strict_threshold(~same, scores) is None
    pairs = Pairs(left=np.arange(5), right=np.arange(5) + 5, same=same)
    place = {"level": "catalog", "modality": "text", "method": "eclip"}
    figures = strict_results(pairs, scores, 0.75, **place)
    assert {each.metric: (each.value, each.support) for each in figures} == {
        "precision at the 99% target": (1.0, 2),
        "recall at the 99% target": (pytest.approx(2 / 3), 3),
    }
    (nothing_said,) = strict_results(pairs, scores, 0.95, **place)  # no precision of no answer
    assert (nothing_said.metric, nothing_said.value) == ("recall at the 99% target", 0.0)
    assert strict_results(pairs, scores, None, **place) == []
    named = [["a", "b"], ["b", "a"], ["c"], ["a"]]
    found = assignment_results(["a", "a", "a", None], named, level="catalog", modality="text", method="eclip")
    assert [(each.metric, each.value, each.support) for each in found] == [
        ("assignment recall@1", pytest.approx(1 / 3), 3),
        ("assignment recall@10", pytest.approx(2 / 3), 3),
    ]
