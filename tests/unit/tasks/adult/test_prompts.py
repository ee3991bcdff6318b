"""Descriptions of levels against everyday goods, in a space made by hand."""

from __future__ import annotations

import numpy as np

from eclip.schema import POLICIES
from eclip.tasks.adult.answers import policy_answers
from eclip.tasks.adult.prompts import EVERYDAY_PROMPTS, LEVEL_PROMPTS, MAX_LOG_ODDS, PolicyPrompts
from eclip.tasks.adult.recognizer import PolicyRecognizer

AXES = np.eye(4, dtype=np.float32)
NOTHING = np.full((1, 4), np.nan, dtype=np.float32)


def encode_text(texts):
    """Every level's descriptions on an axis of their own, everyday goods on the last."""
    axis = {text: place for place, level in enumerate(POLICIES) for text in LEVEL_PROMPTS[level]}
    axis |= dict.fromkeys(EVERYDAY_PROMPTS, 3)
    return AXES[[axis[text] for text in texts]]


def test_log_odds_by_hand():
    prompts = PolicyPrompts.of(encode_text, 4.0)
    halfway = np.array([[0.6, 0, 0, 0.8]], dtype=np.float32)
    np.testing.assert_allclose(prompts.log_odds(AXES[:1], NOTHING), [[4, 0, 0]], atol=1e-6)
    # Level descriptions get 4 * .6, everyday ones 4 * .8: nothing speaks for the level.
    np.testing.assert_allclose(prompts.log_odds(halfway, NOTHING), [[0, 0, 0]], atol=1e-6)
    # One half says 4, the other -4: a picture does not accuse what the title clears.
    np.testing.assert_allclose(prompts.log_odds(AXES[:1], AXES[3:]), [[0, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(prompts.log_odds(NOTHING, NOTHING), 0)
    assert PolicyPrompts.of(encode_text, 100.0).log_odds(AXES[:1], NOTHING)[0, 0] == MAX_LOG_ODDS
    assert prompts.log_odds(NOTHING[:0], NOTHING[:0]).shape == (0, 3)
    np.testing.assert_allclose(prompts.log_odds(AXES[:1, :0], AXES[:1]), [[4, 0, 0]], atol=1e-6)  # no picture tower


def test_descriptions_put_in_order_and_accuse_nobody():
    recognizer = PolicyRecognizer.by_rules(PolicyPrompts.of(encode_text, 100.0))
    images = AXES[[0, 3]]
    listings = recognizer.listings(images, np.full_like(images, np.nan), ["Discreet parcel", "Discreet parcel"])
    answers = policy_answers(recognizer, listings)
    assert answers.chances[0, 1] > 5 * answers.chances[1, 1]
    assert answers.levels == [None, None]
    assert not answers.review.any()
