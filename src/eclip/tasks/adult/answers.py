"""What is said of new listings: a level, how likely each is, why, and whether a person should look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eclip.schema import POLICIES
from eclip.tasks.adult.recognizer import PolicyRecognizer
from eclip.tasks.adult.targets import CLASSES
from eclip.tasks.adult.weights import WITNESSES
from eclip.tasks.adult.witnesses import Listings, head_log_odds

LEAST_SAID = 1.0  # log-odds that a witness must add to be named as a reason


@dataclass(frozen=True, kw_only=True)
class PolicyAnswers:
    """One entry a listing."""

    levels: list[str | None]  # set without a look; None = for everybody, or for a person to say
    chances: np.ndarray  # [N, C] of `targets.CLASSES`, NaN where nothing is known
    reasons: list[str]  # what speaks for the likeliest level, of set and shown listings; "" for all others
    review: np.ndarray  # [N] bool, for a person to look at


def policy_answers(recognizer: PolicyRecognizer, listings: Listings) -> PolicyAnswers:
    """Answers for `recognizer.listings(...)`, each by the richest modality that it has."""
    judged = recognizer.judge(listings)
    reasons = [""] * len(listings)
    told = np.flatnonzero((judged.codes > 0) | judged.review)
    likeliest = judged.chances[told, 1:].argmax(axis=1) if len(told) else told
    seen = np.where(_by_picture(recognizer, listings, told, likeliest), "picture", "title").tolist()
    for row, level, half in zip(told.tolist(), likeliest.tolist(), seen, strict=True):
        reasons[row] = _reason(listings, row, level, judged.added[row, level], half)
    levels = [CLASSES[code] if code else None for code in judged.codes.tolist()]
    return PolicyAnswers(levels=levels, chances=judged.chances, reasons=reasons, review=judged.review)


def _by_picture(recognizer: PolicyRecognizer, listings: Listings, rows: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Whether the picture says more than the title for a level, [n] bool, where heads know both."""
    odds: dict[str, np.ndarray] = {}
    heads = recognizer.heads
    for modality, vectors in (("image", listings.image_vectors), ("text", listings.text_vectors)):
        said = np.full(len(rows), -np.inf)
        has = np.flatnonzero(~np.isnan(vectors[rows, 0])) if vectors.shape[1] and len(rows) else np.zeros(0, dtype=int)
        if heads is not None and modality in heads.by_modality and len(has):
            said[has] = head_log_odds(listings, heads, modality, rows[has])[np.arange(len(has)), levels[has]]
        odds[modality] = said
    return odds["image"] > odds["text"]


def _reason(listings: Listings, row: int, level: int, added: np.ndarray, seen: str) -> str:
    """What speaks for a level of one listing, the strongest first."""
    terms = [each for each in listings.readings[row].found if each.level == POLICIES[level]]
    names = {"heads": seen, "seller": "seller", "descriptions": "looks like it"}
    for name, sure in (("sure terms", True), ("unsure terms", False)):
        written = [f'"{each.term}"' + (" in disguise" if each.disguised else "") for each in terms if each.sure == sure]
        names[name] = "term " + ", ".join(written)
    order = [place for place in np.argsort(-added, kind="stable").tolist() if added[place] >= LEAST_SAID]
    if not order and added[0]:
        return f"{seen}, weakly"
    return "; ".join(names[WITNESSES[place]] for place in order or [int(added.argmax())])
