"""The whole of adult product recognition: witnesses, their weights, thresholds; fitted or by rules alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from eclip.schema import POLICIES
from eclip.tasks.adult.decisions import MIN_CHANCE, SUSPICION, Thresholds, act
from eclip.tasks.adult.prompts import PolicyPrompts
from eclip.tasks.adult.sellers import SellerHistory
from eclip.tasks.adult.weights import WITNESSES, PolicyWeights
from eclip.tasks.adult.witnesses import RULES, Listings, evidence, known_levels
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.taskfiles import read_versioned, readable, write_versioned

POLICY_FILE = "policies.json"
POLICY_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a recognizer says of N listings."""

    chances: np.ndarray  # [N, C] of `targets.CLASSES`; NaN for rows without title and picture
    added: np.ndarray  # [N, L, W] to the log-odds of each level by each witness; 0 there
    codes: np.ndarray  # [N] place in `CLASSES` of the level that is set; 0 = none
    review: np.ndarray  # [N] bool, for a person to look at


@dataclass(frozen=True, kw_only=True)
class PolicyRecognizer:
    """Says how likely each level is, for listings with any of picture, title and seller."""

    heads: ModalHeads | None
    history: SellerHistory | None
    weights: dict[str, PolicyWeights]  # by modality, and `RULES`
    thresholds: dict[str, Thresholds]  # likewise
    prompts: PolicyPrompts | None = None  # of a shop without labels

    @classmethod
    def by_rules(cls, prompts: PolicyPrompts | None = None) -> PolicyRecognizer:
        """For a shop without any label: the terms of titles, with chances that were measured elsewhere.

        Args:
            prompts: Descriptions of the levels in the space of the vectors that it will see; None = terms alone.
        """
        thresholds = Thresholds(decide=(MIN_CHANCE,) * len(POLICIES), review=SUSPICION, budget=1.0)
        rules = PolicyWeights.rules(len(POLICIES))
        return cls(heads=None, history=None, weights={RULES: rules}, thresholds={RULES: thresholds}, prompts=prompts)

    def listings(
        self,
        image_vectors: np.ndarray,
        text_vectors: np.ndarray,
        titles: Sequence[str | None],
        sellers: Sequence[str | None] | None = None,
        *,
        counted: np.ndarray | None = None,
        undo_disguises: bool = True,
    ) -> Listings:
        """Listings as this recognizer sees them; arguments as of `Listings.of`."""
        return Listings.of(
            image_vectors,
            text_vectors,
            titles,
            sellers,
            heads=self.heads,
            history=self.history,
            prompts=self.prompts,
            counted=counted,
            undo_disguises=undo_disguises,
        )

    def chances(self, listings: Listings, modality: str, rows: np.ndarray) -> np.ndarray:
        """Chances [n, C] of `CLASSES` by one modality, which the rows have."""
        return self.weights[modality].chances(evidence(listings, self.heads, modality, rows))

    def judge(self, listings: Listings) -> Judgement:
        """Each row by the richest modality that it has."""
        num, num_levels = len(listings), len(POLICIES)
        found = Judgement(
            chances=np.full((num, num_levels + 1), np.nan),
            added=np.zeros((num, num_levels, len(WITNESSES))),
            codes=np.zeros(num, dtype=np.int64),
            review=np.zeros(num, dtype=bool),
        )
        for modality, rows in listings.routes(self.heads):
            said = evidence(listings, self.heads, modality, rows)
            found.chances[rows] = self.weights[modality].chances(said)
            found.added[rows] = self.weights[modality].contributions(said)
            found.codes[rows], found.review[rows] = act(found.chances[rows], self.thresholds[modality])
        return found

    def learned(self, modality: str) -> list[int]:
        """Places in `POLICIES` of the levels that heads of a modality know; none for `RULES`."""
        return known_levels(self.heads, modality) if self.heads and modality in self.heads.by_modality else []

    def save(self, folder: Path) -> None:
        """Write what is not the heads' (those are written by themselves) as JSON into `folder`, which exists."""
        content = {
            "history": self.history.as_json() if self.history else None,
            "weights": {modality: each.as_json() for modality, each in self.weights.items()},
            "thresholds": {modality: asdict(each) for modality, each in self.thresholds.items()},
        }
        write_versioned(folder / POLICY_FILE, POLICY_VERSION, content, indent=None)  # of many sellers: no line each

    @classmethod
    def load(cls, folder: Path, prompts: PolicyPrompts | None = None) -> PolicyRecognizer:
        """Read what `eclip fit` wrote for this task; where it was left out, the recognizer by rules and `prompts`.

        Raises:
            ModelError: The files are damaged or of another version.
        """
        if not folder.is_dir():
            return cls.by_rules(prompts)
        with readable(folder, "weights of policies"):
            content = read_versioned(folder / POLICY_FILE, POLICY_VERSION)
            return cls(
                heads=ModalHeads.load(folder),
                history=SellerHistory.from_json(content["history"]) if content["history"] else None,
                weights={name: PolicyWeights.from_json(each) for name, each in content["weights"].items()},
                thresholds={
                    name: Thresholds(decide=tuple(each["decide"]), review=each["review"], budget=each["budget"])
                    for name, each in content["thresholds"].items()
                },
            )
