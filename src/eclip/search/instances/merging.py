"""Of many regions that found something, those that tell: one for each product and place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eclip.search.instances.boxes import box_areas, overlaps, shared_areas
from eclip.search.results import Hit

_SAME_PLACE = 0.5  # intersection over union: two answers to one question, of which the surer counts
_SAME_PRODUCT = 0.3  # of the smaller region shared: two looks at one product


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A region and what it found."""

    box: npt.NDArray[np.float64]
    """Left, top, right, bottom."""
    hits: list[Hit]
    """Best first, at least one."""

    @property
    def score(self) -> float:
        """Of the best hit."""
        return self.hits[0].score

    @property
    def product(self) -> frozenset[str]:
        """All listings of the product that was found."""
        return frozenset((self.hits[0].product_id, *self.hits[0].same_product_ids))


def merged_findings(findings: Sequence[Finding], *, max_findings: int) -> list[Finding]:
    """The best finding of each product and place, best first; equal ones in the order given.

    A finding goes where a better one lies at the same place, or shares part of its place and found the same product.
    Two copies of one product side by side are both kept.
    """
    kept: list[Finding] = []
    for finding in sorted(findings, key=lambda each: -each.score):
        if len(kept) == max_findings:
            break
        if not any(_tells_the_same(finding, better) for better in kept):
            kept.append(finding)
    return kept


def _tells_the_same(finding: Finding, better: Finding) -> bool:
    first, second = finding.box[None], better.box[None]
    if overlaps(first, second)[0, 0] > _SAME_PLACE:
        return True
    smaller = min(box_areas(first)[0], box_areas(second)[0])
    return finding.product == better.product and shared_areas(first, second)[0, 0] > _SAME_PRODUCT * smaller
