"""What answers new listings where a task was not fitted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch

from eclip.errors import ConfigError
from eclip.schema import CORRECTIONS_SCHEMA
from eclip.tasks.adult.answers import policy_answers
from eclip.tasks.adult.counted import CountedPolicies
from eclip.tasks.adult.prompts import LEVEL_PROMPTS
from eclip.tasks.adult.recognizer import PolicyRecognizer
from eclip.tasks.adult.sellers import SellerHistory
from eclip.tasks.adult.targets import ADULT, CLASSES
from eclip.tasks.adult.targets import NAME as ADULT_TASK
from eclip.tasks.attributes.answers import AttributeAnswer
from eclip.tasks.attributes.targets import NAME as ATTRIBUTES
from eclip.tasks.enrich.answerers import AttributesAnswerer, PolicyAnswerer, load_answerers
from eclip.tasks.enrich.listings import Listings
from eclip.tasks.enrich.loading import place_values


class Words:
    """A text tower to which adult goods are one direction and all else another."""

    digest, modalities = "words", ("image", "text")
    module = SimpleNamespace(logit_scale=torch.tensor(3.0))

    def encode_text(self, titles: list[str]) -> np.ndarray:
        return np.array([[1, 0] if title in LEVEL_PROMPTS[ADULT] else [0, 1] for title in titles], dtype=np.float32)


def test_pictures_are_held_against_descriptions_where_no_policy_was_learned(tmp_path: Path) -> None:
    recognizer = load_answerers(tmp_path, Words(), None).of_batch[ADULT_TASK].recognizer
    pictures = np.array([[1, 0], [0, 1]], dtype=np.float32)
    listings = recognizer.listings(pictures, np.full((2, 2), np.nan, np.float32), [None, None], [None, None])
    chances = policy_answers(recognizer, listings).chances[:, CLASSES.index(ADULT)]
    assert chances[0] > 2 * chances[1]


class Told:
    """A store of five listings of one seller: one adult, one repeated, one of the test split, one corrected."""

    def table(self, columns: list[str]) -> pa.Table:
        told = {
            "product_id": ["a", "b", "c", "d", "e"],
            "policy": ["adult", None, "adult", "adult", None],
            "split": ["train", "train", "train", "test", "train"],
            "duplicate_of": [None, None, "a", None, None],
        }
        return pa.table({name: pa.array(told[name], pa.string()) for name in columns})

    def corrections(self) -> pa.Table:
        said = {"product_id": "e", "field": "policy", "value": "sensitive", "corrected_at": datetime.now(UTC)}
        return pa.Table.from_pylist([said], schema=CORRECTIONS_SCHEMA)


def test_a_listing_of_the_store_is_not_judged_by_its_own_label() -> None:
    counted = CountedPolicies.of(Told())
    assert counted.codes == {"a": 1, "b": 0, "e": CLASSES.index("sensitive")}
    assert counted.of_listings(["new", "a", None, "d"]).tolist() == [-1, 1, -1, -1]
    history = SellerHistory(np.array([90, 1, 0, 1]), {"shop": np.array([0, 1, 0, 0])}, 3.0)
    recognizer = replace(PolicyRecognizer.by_rules(), history=history)
    columns = {"product_id": ["a", "new"], "title": ["plain box", "plain box"], "seller": ["shop", "shop"]}
    vectors = np.full((2, 2), np.nan, np.float32)
    listings = Listings(table=pa.table(columns), image=vectors, text=vectors, cells=[None, None])
    own, new = PolicyAnswerer(recognizer, counted).answer(listings)["adult_probability"]
    blind, same = PolicyAnswerer(recognizer).answer(listings)["adult_probability"]
    assert own < new == same == blind


def test_values_known_by_name_alone_answer_where_nothing_was_learned(tmp_path: Path) -> None:
    values = {"fit": ["slim", "loose"]}
    tower = {"fit: slim": [1, 0], "slim": [1, 0], "fit: loose": [0, 1], "loose": [0, 1]}
    encoder = Words()
    encoder.embed_dim, encoder.encode_text = (
        2,
        lambda texts: np.array([tower.get(each, [0, 0]) for each in texts], float),
    )
    answerers = load_answerers(tmp_path, encoder, None, by_name=place_values(values, encoder, None))
    vectors = np.array([[0.9, 0.1], [0.1, 0.9], [np.nan, np.nan]], np.float32)
    table = pa.table({"product_id": ["a", "b", "c"], "title": ["x", "y", None]})
    listings = Listings(table=table, image=vectors, text=vectors, cells=[None] * 3)
    found = answerers.of_batch[ATTRIBUTES].answer(listings)
    assert found["attributes"] == [[("fit", "slim")], [("fit", "loose")], []]
    assert found["attribute_sources"][0] == [("fit", "zero-shot")]
    assert found["attribute_review"] == [["fit"], ["fit"], []]  # nobody measured how sure they are
    learned = AttributeAnswer(values=("wide",), confidence=0.6, source="title", sure=False)
    extractor = SimpleNamespace(answers=lambda *_, **__: [{"fit": learned}, {}, {}])
    kept = AttributesAnswerer(extractor, None, place_values(values, encoder, None)).answer(listings)
    assert kept["attributes"] == [[("fit", "wide")], [("fit", "loose")], []]
    encoder.modalities = ("image",)
    with pytest.raises(ConfigError, match="reads no words"):
        place_values(values, encoder, None)


def test_a_model_without_words_has_no_descriptions(tmp_path: Path) -> None:
    wordless = Words()
    wordless.modalities = ("image",)
    assert load_answerers(tmp_path, wordless, None).of_batch[ADULT_TASK].recognizer.prompts is None
