"""What a seller's known listings say of the next one.

A seller of a hundred adult goods hardly lists a mug under a discreet title, and one of a thousand mugs hardly
a toy. The share of each level among a seller's train listings is shrunk towards that of the whole shop (a Dirichlet
prior of `strength` listings) and enters as additive log-odds. A listing that was itself counted must not be judged
by its own label: `log_odds` leaves it out when told which it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)  # listings that the shop's own share counts as
SMOOTHING = 0.5  # listings of each class that the shop has beyond those it has: no share is 0


@dataclass(frozen=True)
class SellerHistory:
    """Known listings of each seller by class."""

    totals: np.ndarray  # [C] int64, of the shop
    counts: dict[str, np.ndarray]  # seller -> [C] int64
    strength: float | None  # None = sellers tell nothing of their next listing

    @classmethod
    def of(cls, sellers: Sequence[str | None], codes: np.ndarray, num_classes: int) -> SellerHistory:
        """Count listings, and choose the strength under which they foretell one another best.

        Args:
            sellers: [n] of the train listings, None where not named.
            codes: [n] class of each; -1 = unknown, left out.
            num_classes: C, the first of which is "everybody".
        """
        totals = np.bincount(codes[codes >= 0], minlength=num_classes)
        counts: dict[str, np.ndarray] = {}
        pairs = Counter((seller, int(code)) for seller, code in zip(sellers, codes, strict=True) if seller)
        for (seller, code), number in pairs.items():
            if code >= 0:
                counts.setdefault(str(seller), np.zeros(num_classes, dtype=np.int64))[code] += number
        named = [row for row, seller in enumerate(sellers) if seller and codes[row] >= 0]
        known, own = [sellers[row] for row in named], codes[named]
        strengths = (None, *STRENGTHS)
        gains = [cls(totals, counts, strength)._foretold(known, own) for strength in strengths]
        best = strengths[int(np.argmax(gains))]
        return cls(totals, {} if best is None else counts, best)

    def log_odds(self, sellers: Sequence[str | None], own: np.ndarray | None = None) -> np.ndarray:
        """How far a seller shifts the log-odds of each class against "everybody", [n, C - 1].

        Args:
            sellers: [n]; None and unknown ones shift nothing.
            own: [n] class of listings that were counted themselves, which are left out (-1 = it was not);
                None = none was.
        """
        shares, base = self._shares(sellers, np.full(len(sellers), -1) if own is None else own)
        shift = np.log(shares / base)
        return np.asarray(shift[:, 1:] - shift[:, :1])

    def _shares(self, sellers: Sequence[str | None], own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Class shares [n, C] of each seller, shrunk, and of the shop, both without the listing itself."""
        itself = np.zeros((len(sellers), len(self.totals)))
        itself[own >= 0, own[own >= 0]] = 1
        base = self.totals - itself + SMOOTHING
        base /= base.sum(axis=1, keepdims=True)
        if self.strength is None:
            return base, base
        nothing = np.zeros(len(self.totals))
        seen = np.stack([self.counts.get(seller or "", nothing) for seller in sellers]) if len(sellers) else itself
        shares = seen - itself * (seen > 0) + self.strength * base
        return shares / shares.sum(axis=1, keepdims=True), base

    def _foretold(self, sellers: Sequence[str | None], own: np.ndarray) -> float:
        """Mean log share of each listing's class among its seller's other listings."""
        if not len(sellers):
            return 0.0
        shares, _ = self._shares(sellers, own)
        return float(np.mean(np.log(shares[np.arange(len(own)), own])))

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON keeps it."""
        counts = {seller: number.tolist() for seller, number in self.counts.items()}
        return {"totals": self.totals.tolist(), "counts": counts, "strength": self.strength}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> SellerHistory:
        """What `as_json` gave."""
        counts = {seller: np.array(number, dtype=np.int64) for seller, number in content["counts"].items()}
        return cls(np.array(content["totals"], dtype=np.int64), counts, content["strength"])
