"""Answers as a shop gets them: several values, where they come from, what contradicts them, and figures."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from eclip.errors import ConfigError, ModelError
from eclip.metrics import macro_f1_multilabel, micro_f1
from eclip.tasks.attributes import closed
from eclip.tasks.attributes.answers import SOURCES, AttributeAnswer, AttributeExtractor, with_spans
from eclip.tasks.attributes.closed import ClosedAttribute, Said, ViewDecision, decide
from eclip.tasks.attributes.experts import Pool
from eclip.tasks.attributes.extraction import TitleSource, title_values
from eclip.tasks.attributes.fit import CLOSED_FILE, fit_closed, fit_several
from eclip.tasks.attributes.measure import extraction_results, title_results
from eclip.tasks.attributes.results import answer_results, attribute_results, value_marks
from eclip.tasks.attributes.spans.extractor import SpanAnswer
from eclip.tasks.attributes.spans.words import split_words
from eclip.tasks.attributes.targets import attribute_targets, several_targets
from eclip.tasks.attributes.thresholds import Threshold
from eclip.tasks.attributes.zeroshot import fit_zero_shot, read_values
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.fit import fit_modal_heads, fit_tasks

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(catalogue):
    """Some of the little catalogue, with an attribute of several values that titles name in part, and a brand."""
    columns = {each.name: getattr(catalogue, each.name) for each in fields(catalogue)}
    catalogue = Catalogue(**{name: column[:300] if column is not None else None for name, column in columns.items()})
    finishes = ("matt", "shiny", "soft")
    product = [int(title.split()[-1]) for title in catalogue.titles]
    return replace(
        catalogue,
        titles=[f"Zorin {title} {finishes[p % 3]}" for title, p in zip(catalogue.titles, product, strict=True)],
        attributes=[
            {**own, "finish": tuple(sorted({finishes[p % 3], finishes[p % 2]}))}
            for own, p in zip(catalogue.attributes, product, strict=True)
        ],
    )


@pytest.fixture(scope="module")
def folder(shop, tmp_path_factory):
    path = tmp_path_factory.mktemp("attributes") / "tasks"
    titles = TitleSource(
        columns={"brand": ["Zorin"] * shop.num_rows, "model_number": [None] * shop.num_rows}, tower=None
    )
    fit_tasks(shop, path, tasks=["attributes"], titles=titles, seed=0)
    return path / "attributes"


def test_listings_get_all_their_values_from_whatever_they_have(shop, folder):
    extractor = AttributeExtractor.load(folder)
    assert extractor.closed["finish"].several
    assert not extractor.closed["colour"].several
    assert not extractor.reads_states
    rows = [row for row in shop.rows_of("test") if "colour" in shop.attributes[row]]
    images, texts = shop.image_vectors[rows].copy(), shop.text_vectors[rows].copy()
    titles = [shop.titles[row] for row in rows]
    images[0], texts[1], titles[1] = np.nan, np.nan, None
    images[2] = texts[2] = np.nan
    titles[2] = None
    found = extractor.answers(images, texts, titles)
    assert found[2] == {}
    assert found[1]["colour"].source == "picture"
    assert found[0]["colour"].source in ("title", "span")
    right = [set(found[i]["finish"].values) == set(shop.attributes[row]["finish"]) for i, row in enumerate(rows[3:], 3)]
    assert np.mean(right) > 0.8
    assert {answer.source for own in found for answer in own.values()} <= set(SOURCES)
    assert all(0 < answer.confidence <= 1 for own in found for answer in own.values())
    assert found[3]["brand"].values == ("Zorin",)
    assert found[3]["brand"].source == "span"


def test_figures_are_those_of_counting_by_hand(shop, folder):
    extractor = AttributeExtractor.load(folder).without_spans()
    results = {(r.target, r.modality, r.metric): r for r in extraction_results(shop, extractor)}
    rows = [row for row in shop.rows_of("test") if "colour" in shop.attributes[row]]
    found = extractor.answers(shop.image_vectors[rows], shop.text_vectors[rows], [shop.titles[row] for row in rows])
    said = [own["colour"].values[0] if "colour" in own else "" for own in found]
    truth = [shop.attributes[row]["colour"][0] for row in rows]
    assert results["colour", "both", "accuracy"].value == pytest.approx(np.mean(np.equal(truth, said)))
    sure = [own["colour"].sure for own in found if "colour" in own]
    assert results["colour", "both", "coverage of sure answers"].value == pytest.approx(sum(sure) / len(rows))
    gain = results["colour", "both", "gain of picture over title alone, macro-F1"].value
    by_title = results["colour", "text", "macro-F1"].value
    assert gain == pytest.approx(results["colour", "both", "macro-F1"].value - by_title)


def test_sets_of_values_are_scored_as_scikit_learn_does():
    shuffled = np.random.default_rng(0)
    truth, said = (shuffled.random((50, 5)) < 0.4 for _ in range(2))
    sets = [[[str(code) for code in np.flatnonzero(row)] for row in marks] for marks in (truth, said)]
    marks = value_marks(*sets)
    assert np.array_equal(marks, [truth, said])
    assert micro_f1(*marks) == pytest.approx(f1_score(truth, said, average="micro"))
    assert macro_f1_multilabel(*marks) == pytest.approx(f1_score(truth, said, average="macro"))
    assert np.isnan(macro_f1_multilabel(*value_marks([], [])))


def test_heads_of_one_value_are_judged_as_sets_of_values_are():
    """Baselines stand in one table with ours: "absent" is no value, and one value is not all of two."""
    truth, where = [("a", "b"), ("b",), ("a",)], {"modality": "text", "method": "eclip"}
    scores = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.1, 0, 0.9]])
    values = {r.metric: r.value for r in attribute_results("finish", truth, ("a", "b", ""), scores, **where)}
    given = [("a",), ("b",), ()]
    ours = {r.metric: r.value for r in answer_results("finish", truth, given, given, **where)}
    assert {metric: values[metric] for metric in ("accuracy", "micro-F1", "macro-F1")} == {
        metric: ours[metric] for metric in ("accuracy", "micro-F1", "macro-F1")
    }
    assert values["accuracy"] == pytest.approx(1 / 3)
    assert values["macro-F1"] == pytest.approx(2 / 3)
    assert values["precision at confidence 0.8"] == 1


def test_only_what_often_has_several_values_is_learned_so(shop):
    targets, _ = attribute_targets(shop)
    assert [target.name for target in several_targets(shop, targets)] == ["finish"]
    assert several_targets(shop, []) == []


def test_no_titles_but_those_of_validation_are_held_as_words(shop, monkeypatch):
    """Weights and thresholds rest on them alone: the words of a whole store would not fit into memory."""
    read: list[str] = []
    monkeypatch.setattr(closed, "split_words", lambda title: read.append(title) or split_words(title))
    targets, _ = attribute_targets(shop)
    fit_closed(shop, fit_modal_heads(shop, {"attributes": targets}, seed=0)["attributes"], seed=0)
    assert read == [shop.titles[row] for row in shop.rows_of("validation")]


def test_one_picture_is_too_few_to_learn_several_values_from(shop):
    """It would be held out, and a head fitted to nothing answers with NaN whatever is asked."""
    images = np.full_like(shop.image_vectors, np.nan)
    pictured = shop.rows_of("train")[0]
    images[pictured] = shop.image_vectors[pictured]
    few = replace(shop, image_vectors=images)
    targets = several_targets(few, attribute_targets(few)[0])
    assert set(fit_several(few, None, targets, seed=0).by_modality) == {"text", "both"}
    nobody = replace(few, image_vectors=images * np.nan, text_vectors=images * np.nan)
    assert fit_several(nobody, None, targets, seed=0) is None


def black_or_red(prior_power: float = 0.0) -> ClosedAttribute:
    pool = {view: Pool(experts=experts, weights=(1.0,) * len(experts)) for view, experts in VIEWS.items()}
    decisions = {
        view: ViewDecision(pool=each, threshold=Threshold(at=0.9), prior_power=prior_power)
        for view, each in pool.items()
    }
    return ClosedAttribute(
        values=("black", "red"), several=False, log_prior=(np.log(0.9), np.log(0.1)), decisions=decisions
    )


VIEWS = {"image": ("image",), "text": ("text",), "both": ("image", "text")}


def test_the_prior_decides_between_the_probable_and_the_typical_and_leaves_confidence_alone():
    logs = {"image": np.log([[0.7, 0.3]])}
    probable = decide(black_or_red(), "image", logs)
    typical = decide(black_or_red(prior_power=1.0), "image", logs)
    assert probable.chosen.tolist() == [[True, False]]
    assert typical.chosen.tolist() == [[False, True]]
    assert typical.least == pytest.approx([0.3])


def test_picture_and_title_that_are_sure_of_different_things_are_a_conflict():
    from eclip.tasks.attributes.answers import _closed_answer

    attribute = black_or_red()
    logs = {"image": np.log([[0.95, 0.05], [0.95, 0.05]]), "text": np.log([[0.04, 0.96], [0.98, 0.02]])}
    said: dict[str, Said] = {view: decide(attribute, view, logs) for view in VIEWS}
    clash = _closed_answer(attribute, "both", said, 0)
    assert clash.conflict == "the picture says black (0.95), the title says red (0.96)"
    assert not clash.sure
    agreed = _closed_answer(attribute, "both", said, 1)
    assert (agreed.values, agreed.source, agreed.sure, agreed.conflict) == (("black",), "both", True, None)


def test_a_second_value_that_is_less_sure_is_said_and_makes_the_answer_unsure():
    from eclip.tasks.attributes.answers import _closed_answer

    attribute = replace(black_or_red(), several=True)
    chances = np.array([[0.95, 0.7], [0.95, 0.02], [0.97, 0.93]])
    said = {"text": Said(chosen=chances >= 0.5, confidences=chances)}
    mixed, one, both = (_closed_answer(attribute, "text", said, place) for place in range(3))
    assert (mixed.values, mixed.confidence, mixed.sure) == (("black", "red"), 0.7, False)
    assert (one.values, one.sure) == (("black",), True)
    assert (both.values, both.sure) == (("black", "red"), True)


def test_spans_fill_in_for_heads_and_contradict_them():
    heads = AttributeAnswer(values=("black",), confidence=0.97, source="picture", sure=True)
    red = SpanAnswer(value="red", text="Rot", confidence=0.99, sure=True)
    found = with_spans(heads, [red])
    assert found.values == ("black",)
    assert not found.sure
    assert found.conflict == "the heads say black (0.97), in the title stands red (0.99)"
    assert with_spans(heads, [replace(red, value="Black")]) is heads
    assert with_spans(heads, [replace(red, sure=False)]) is heads
    assert with_spans(replace(heads, sure=False), [red]).values == ("red",)
    assert with_spans(None, [replace(red, sure=False)]).source == "span"


def test_values_in_titles_are_measured(shop, folder):
    source = TitleSource(
        columns={"brand": ["Zorin"] * shop.num_rows, "model_number": [None] * shop.num_rows}, tower=None
    )
    results = {(each.target, each.metric): each for each in title_results(shop, folder, source)}
    brand = results["brand in titles", "recall where it stands"]
    assert brand.value == 1.0
    assert brand.support == len(shop.rows_of("test"))
    assert results["finish in titles", "precision"].value > 0.9
    assert title_results(replace(shop, titles=[None] * shop.num_rows), folder, source) == []


def test_what_is_missing_on_disk_is_told(folder, tmp_path):
    with pytest.raises(ModelError, match="holds no readable attributes"):
        AttributeExtractor.load(tmp_path)
    (tmp_path / CLOSED_FILE).write_text('{"version": 99}')
    with pytest.raises(ModelError, match="version 99, expected 1: another version of eclip"):
        AttributeExtractor.load(tmp_path)


def test_columns_fill_in_for_attributes(shop):
    column = ["grey"] * shop.num_rows
    values = title_values(shop, {"colour": column, "brand": [None] * shop.num_rows})
    assert set(values) == {"colour", "finish"}
    assert values["colour"] == [own.get("colour", ("grey",)) for own in shop.attributes]


def planted(num_rows: int = 400):
    """A text tower that puts each value in a direction of its own, with pictures and titles near it."""
    shuffled = np.random.default_rng(0)
    centres = {value: shuffled.normal(size=16) for value in ("teal", "ochre", "plum")}

    def encode(prompts):
        rows = np.stack([centres[prompt.rsplit(": ", 1)[-1]] for prompt in prompts])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    truth = [list(centres)[row % 3] for row in range(num_rows)]
    noisy = [encode(truth) + spread * shuffled.normal(size=(num_rows, 16)) for spread in (0.9, 0.15)]
    images, texts = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in noisy)
    return encode, truth, images.astype(np.float32), texts.astype(np.float32)


def test_values_known_by_name_alone_are_answered_and_sure_only_where_that_was_measured():
    encode, truth, images, texts = planted()
    known = [(value,) for value in truth[:200]]
    vectors = {"image_vectors": images[:200], "text_vectors": texts[:200]}
    values = ["teal", "ochre", "plum"]
    measured = fit_zero_shot("colour", values, encode, scale=10, truth=known, **vectors)
    images[201], texts[202] = np.nan, np.nan
    images[203] = texts[203] = np.nan
    found = measured.answers(images[200:], texts[200:])
    assert found[3] is None
    assert {answer.source for answer in found if answer} == {"zero-shot"}
    both = [(answer, value) for answer, value in zip(found, truth[200:], strict=True) if answer]
    assert np.mean([answer.values == (value,) for answer, value in both]) > 0.95
    sure = [answer.values == (value,) for answer, value in both if answer.sure]
    assert len(sure) > 100
    assert np.mean(sure) > 0.9
    blind = fit_zero_shot("colour", values, encode, scale=10, truth=[()] * 200, **vectors)
    assert not any(answer.sure for answer in blind.answers(images[200:], texts[200:]) if answer)
    pictureless = {"image_vectors": images[:200, :0], "text_vectors": texts[:200]}
    titled = fit_zero_shot("colour", values, encode, scale=10, truth=known, **pictureless)
    assert [answer.values[0] for answer in titled.answers(images[:20, :0], texts[:20])] == truth[:20]
    with pytest.raises(ConfigError, match="found 1 value to choose from, expected at least 2"):
        fit_zero_shot("colour", ["teal", " teal"], encode, scale=10, truth=known, **vectors)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no file of values"),
        ("{", "is not JSON"),
        ('["teal"]', "lists of texts"),
        ('{"a": [1]}', "lists of texts"),
    ],
)
def test_a_file_of_values_that_can_not_be_read_is_told(tmp_path, content, message):
    path = tmp_path / "values.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        read_values(path)
    path.write_text('{"colour": ["teal", "ochre"]}')
    assert read_values(path) == {"colour": ["teal", "ochre"]}
