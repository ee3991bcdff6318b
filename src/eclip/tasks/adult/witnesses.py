"""What each witness says of listings: heads over picture and title, terms of the title, the seller's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eclip.schema import POLICIES
from eclip.tasks.adult.lexicon import TitleReading, read_title
from eclip.tasks.adult.prompts import PolicyPrompts
from eclip.tasks.adult.sellers import SellerHistory
from eclip.tasks.adult.targets import CLASSES, NAME
from eclip.tasks.adult.weights import WITNESSES
from eclip.tasks.features import present_rows
from eclip.tasks.heads.modal import Inputs, ModalHeads

RULES = "rules"  # beside the modalities: rows that no head fits
MAX_LOG_ODDS = 12.0  # of heads: none has a veto
LEAST_CHANCE = 1e-7


@dataclass(frozen=True, kw_only=True)
class Listings:
    """Listings as the witnesses see them."""

    image_vectors: np.ndarray  # [N, D], NaN rows where missing
    text_vectors: np.ndarray  # [N, D], NaN rows where missing
    titles: Sequence[str | None]  # [N]
    readings: Sequence[TitleReading]  # [N]
    seller_shift: np.ndarray  # [N, L] log-odds
    prompt_odds: np.ndarray  # [N, L] log-odds by descriptions
    inputs: Inputs | None  # what heads see; None without heads

    @classmethod
    def of(
        cls,
        image_vectors: np.ndarray,
        text_vectors: np.ndarray,
        titles: Sequence[str | None],
        sellers: Sequence[str | None] | None,
        *,
        heads: ModalHeads | None,
        history: SellerHistory | None,
        prompts: PolicyPrompts | None,
        counted: np.ndarray | None = None,
        undo_disguises: bool = True,
    ) -> Listings:
        """Look at listings once for all modalities.

        Args:
            image_vectors: [N, D], NaN rows where missing.
            text_vectors: [N, D], NaN rows where missing.
            titles: [N], None where missing.
            sellers: [N], None where not named; None = nobody is.
            heads: That were fitted, if any.
            history: Of the sellers, if any.
            prompts: Descriptions of the levels, if any.
            counted: [N] place in `CLASSES` of listings that the history counts itself, -1 of all others: nobody is
                judged by his own label; None = it counts none of them.
            undo_disguises: Read titles through spaced letters, digits for letters and the like; off: as written.
        """
        readings = [read_title(title, undo_disguises=undo_disguises) for title in titles]
        shift = np.zeros((len(titles), len(POLICIES)))
        if history is not None and sellers is not None and len(titles):
            shift = history.log_odds(sellers, counted)
        inputs = None
        if heads is not None:
            plain_titles = [r.text if r.disguised else t for r, t in zip(readings, titles, strict=True)]
            inputs = heads.inputs(image_vectors, text_vectors, plain_titles)
        return cls(
            image_vectors=image_vectors,
            text_vectors=text_vectors,
            titles=titles,
            readings=readings,
            seller_shift=shift,
            prompt_odds=prompts.log_odds(image_vectors, text_vectors) if prompts else np.zeros_like(shift),
            inputs=inputs,
        )

    def __len__(self) -> int:
        """How many listings there are."""
        return len(self.titles)

    def routes(self, heads: ModalHeads | None) -> list[tuple[str, np.ndarray]]:
        """Each row under the richest modality that it has and that was fitted; `RULES` for the rest.

        Rows of which nothing is known, neither title nor picture, are in none.
        """
        fitted = heads.by_modality if heads else {}
        has_image, has_text = present_rows(self.image_vectors), present_rows(self.text_vectors)
        left = has_image | has_text | np.array([bool(title) for title in self.titles], dtype=bool)
        routes = []
        wanted = (("both", has_image & has_text), ("text", has_text), ("image", has_image))
        for modality, mask in wanted:
            if modality in fitted:
                routes.append((modality, np.flatnonzero(mask & left)))
                left = left & ~mask
        return [*routes, (RULES, np.flatnonzero(left))]


def evidence(listings: Listings, heads: ModalHeads | None, modality: str, rows: np.ndarray) -> np.ndarray:
    """What the witnesses say of each level, [n, L, W] in the order of `WITNESSES`.

    Args:
        listings: That `rows` are positions in.
        heads: That were fitted, if any.
        modality: One of `MODALITIES`, which the rows have, or `RULES`; "image" sees no title.
        rows: Positions [n].
    """
    found = np.zeros((len(rows), len(POLICIES), len(WITNESSES)))
    if heads is not None and modality != RULES:
        found[:, :, 0] = head_log_odds(listings, heads, modality, rows)
    if modality != "image":
        for place, row in enumerate(rows.tolist()):
            for each in listings.readings[row].found:
                found[place, POLICIES.index(each.level), 1 if each.sure else 2] = 1
    found[:, :, 3] = listings.seller_shift[rows]
    found[:, :, 4] = listings.prompt_odds[rows]
    return found


def head_log_odds(listings: Listings, heads: ModalHeads, modality: str, rows: np.ndarray) -> np.ndarray:
    """Log-odds [n, L] of each level against "everybody"; 0 for levels that no head knows."""
    odds = np.zeros((len(rows), len(POLICIES)))
    if listings.inputs is None or NAME not in heads.by_modality[modality].heads or not len(rows):
        return odds
    chances = np.maximum(heads.probabilities(NAME, modality, listings.inputs, rows), LEAST_CHANCE)
    for place, label in enumerate(heads.labels(modality, NAME)):
        if label in POLICIES:
            odds[:, POLICIES.index(label)] = np.log(chances[:, place] / chances[:, 0])
    return np.clip(odds, -MAX_LOG_ODDS, MAX_LOG_ODDS)


def known_levels(heads: ModalHeads, modality: str) -> list[int]:
    """Places in `POLICIES` of the levels that the heads of a modality know."""
    if NAME not in heads.by_modality[modality].heads:
        return []
    return [CLASSES.index(label) - 1 for label in heads.labels(modality, NAME) if label in POLICIES]
