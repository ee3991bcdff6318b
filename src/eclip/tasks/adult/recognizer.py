"""The whole of adult product recognition: witnesses, their weights, thresholds; fitted or by rules alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eclip.errors import ModelError
from eclip.schema import POLICIES
from eclip.tasks.adult.decisions import MIN_CHANCE, SUSPICION, Thresholds, choose_thresholds
from eclip.tasks.adult.sellers import SellerHistory
from eclip.tasks.adult.weights import PolicyWeights
from eclip.tasks.adult.witnesses import RULES, Listings, evidence, known_levels
from eclip.tasks.heads.modal import ModalHeads

POLICY_FILE = "policies.json"
POLICY_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class PolicyRecognizer:
    """Says how likely each level is, for listings with any of picture, title and seller."""

    heads: ModalHeads | None
    history: SellerHistory | None
    weights: dict[str, PolicyWeights]  # by modality, and `RULES`
    thresholds: Thresholds

    @classmethod
    def by_rules(cls) -> PolicyRecognizer:
        """For a shop without any label: the terms of titles, with chances that were measured elsewhere."""
        thresholds = Thresholds(decide=(MIN_CHANCE,) * len(POLICIES), review=SUSPICION, budget=1.0)
        rules = PolicyWeights.rules(len(POLICIES))
        return cls(heads=None, history=None, weights={RULES: rules}, thresholds=thresholds)

    def listings(
        self,
        image_vectors: np.ndarray,
        text_vectors: np.ndarray,
        titles: Sequence[str | None],
        sellers: Sequence[str | None] | None = None,
        *,
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
            undo_disguises=undo_disguises,
        )

    def chances(self, listings: Listings, modality: str, rows: np.ndarray) -> np.ndarray:
        """Chances [n, C] of `CLASSES` by one modality, which the rows have."""
        return self.weights[modality].chances(evidence(listings, self.heads, modality, rows))

    def routed(self, listings: Listings) -> tuple[np.ndarray, np.ndarray]:
        """Each row by the richest modality that it has.

        Returns:
            Chances [N, C] of `CLASSES`, and what each witness added to the log-odds [N, L, W]; NaN and 0 for rows
            without title and picture.
        """
        chances = np.full((len(listings), len(POLICIES) + 1), np.nan)
        added = np.zeros((len(listings), len(POLICIES), self.weights[RULES].weights.shape[1]))
        for modality, rows in listings.routes(self.heads):
            found = evidence(listings, self.heads, modality, rows)
            chances[rows] = self.weights[modality].chances(found)
            added[rows] = self.weights[modality].contributions(found)
        return chances, added

    def learned(self, modality: str) -> list[int]:
        """Places in `POLICIES` of the levels that heads of a modality know; none for `RULES`."""
        return known_levels(self.heads, modality) if self.heads and modality in self.heads.by_modality else []

    def with_budget(self, chances: np.ndarray, codes: np.ndarray, budget: float) -> PolicyRecognizer:
        """The same with thresholds for a budget of looks, by validation rows (`choose_thresholds`)."""
        return replace(self, thresholds=choose_thresholds(chances, codes, budget=budget))

    def save(self, folder: Path) -> None:
        """Write what is not the heads' (those are written by themselves) as JSON into `folder`, which exists."""
        content = {
            "version": POLICY_VERSION,
            "history": self.history.as_json() if self.history else None,
            "weights": {modality: each.as_json() for modality, each in self.weights.items()},
            "thresholds": {
                "decide": list(self.thresholds.decide),
                "review": self.thresholds.review,
                "budget": self.thresholds.budget,
            },
        }
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (folder / POLICY_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> PolicyRecognizer:
        """Read what `eclip fit` wrote for this task; where it was left out, the recognizer by rules.

        Raises:
            ModelError: The files are damaged or of another version.
        """
        if not folder.is_dir():
            return cls.by_rules()
        try:
            content = json.loads((folder / POLICY_FILE).read_text(encoding="utf-8"))
            if content["version"] != POLICY_VERSION:
                raise ModelError(
                    f"{folder / POLICY_FILE} has version {content['version']}, expected {POLICY_VERSION}; run "
                    "`eclip fit` again"
                )
            thresholds = content["thresholds"]
            return cls(
                heads=ModalHeads.load(folder),
                history=SellerHistory.from_json(content["history"]) if content["history"] else None,
                weights={name: PolicyWeights.from_json(each) for name, each in content["weights"].items()},
                thresholds=Thresholds(
                    decide=tuple(thresholds["decide"]), review=thresholds["review"], budget=thresholds["budget"]
                ),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{folder} holds no readable weights of policies ({error}); run `eclip fit` again"
            ) from error
