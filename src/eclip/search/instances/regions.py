"""Where in a photo a product may be: regions that hang together, by colour, texture, size and fill.

The regions are those of selective search (Uijlings, van de Sande, Gevers and Smeulders, "Selective Search for Object
Recognition", IJCV 2013), borrowed from OpenCV. It knows no classes and has no weights, so it fits any shop, and there
is nothing to license or to fetch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eclip.errors import MissingExtraError
from eclip.search.instances.boxes import Boxes, box_areas, distinct_boxes, overlaps

MAX_REGIONS = 64  # encoded of one photo, the whole one among them
_LONG_SIDE = 256  # pixels of the photo that is cut into regions: its time grows with them
_LEAST_AREA, _MOST_AREA = 0.012, 0.7  # of the photo; what is larger is found by the whole one
_MOST_ASPECT = 5.0  # long side : short side
_MAX_OVERLAP = 0.7  # of two regions: more alike, they show the same
_AGREEMENT = 0.8  # overlap of two regions that say the same
_ROWS_AT_ONCE = 256  # of overlaps: some thousands of boxes are compared with each other


def propose_regions(picture: Any, *, max_regions: int = MAX_REGIONS) -> Boxes:
    """Boxes [n, 4] that may hold one product each, in pixels of `picture`; the first is the whole picture.

    Args:
        picture: RGB.
        max_regions: At most this many, 1 or more.

    Raises:
        MissingExtraError: OpenCV with its contributed modules is not there.
    """
    whole = np.array([[0, 0, picture.width, picture.height]], dtype=np.float64)
    if max_regions == 1:
        return whole
    boxes = _surest_first(_plausible(_selective_search(picture), picture))
    kept = distinct_boxes(boxes, max_overlap=_MAX_OVERLAP, max_boxes=max_regions - 1)
    return np.concatenate([whole, boxes[kept]])


def _selective_search(picture: Any) -> Boxes:
    """All regions of all levels, of several ways to see colours and to merge; their order means nothing."""
    cv2 = _opencv()
    shrink = min(1.0, _LONG_SIDE / max(picture.size))
    small = picture.resize([max(1, round(side * shrink)) for side in picture.size])
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(np.ascontiguousarray(np.asarray(small)[:, :, ::-1]))
    search.switchToSelectiveSearchFast()
    corners = np.asarray(search.process(), dtype=np.float64).reshape(-1, 4)
    corners[:, 2:] += corners[:, :2]
    return corners * np.tile(np.array(picture.size) / np.array(small.size), 2)


def _surest_first(boxes: Boxes) -> Boxes:
    """By how many others nearly agree with a box: what hangs together however it is looked at is a thing.

    The borrowed order is random; of drawn products this one had .94 in the first 64, that .92, and .90 against .82 in
    the first 32.
    """
    boxes = boxes[np.lexsort(boxes.T)]
    starts = range(0, len(boxes), _ROWS_AT_ONCE)
    agreeing = [(overlaps(boxes[start : start + _ROWS_AT_ONCE], boxes) > _AGREEMENT).sum(axis=1) for start in starts]
    return boxes[np.argsort(-np.concatenate(agreeing), kind="stable")] if agreeing else boxes


def _plausible(boxes: Boxes, picture: Any) -> Boxes:
    share = box_areas(boxes) / (picture.width * picture.height)
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    aspect = np.maximum(width, height) / np.maximum(np.minimum(width, height), 1e-12)
    return boxes[(share >= _LEAST_AREA) & (share <= _MOST_AREA) & (aspect <= _MOST_ASPECT)]


def _opencv() -> Any:
    try:
        import cv2

        cv2.ximgproc.segmentation.createSelectiveSearchSegmentation  # noqa: B018 - plain OpenCV lacks it
    except (ImportError, AttributeError):
        raise MissingExtraError(
            "finding the products of a cluttered photo needs OpenCV with its contributed modules: "
            "pip install 'eclip[instances]'"
        ) from None
    return cv2
