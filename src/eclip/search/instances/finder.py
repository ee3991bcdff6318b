"""Finds the products of a cluttered photo: regions, their vectors, a search for each, and one answer of it all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from eclip.errors import ConfigError
from eclip.search.engine import QueryEncoder
from eclip.search.instances.boxes import Boxes
from eclip.search.instances.crops import region_picture, usual_aspect
from eclip.search.instances.instance import Instance
from eclip.search.instances.merging import Finding, merged_findings
from eclip.search.instances.photos import Photo
from eclip.search.instances.regions import MAX_REGIONS, propose_regions
from eclip.search.query import Filters, Query
from eclip.search.results import Hit, Results
from eclip.search.spaces import Vectors

MAX_INSTANCES = 12  # answered of one photo
_REGIONS_AT_ONCE = 16  # encoded together: other queries of a service get their turn between
_PICTURES_SEEN = 16  # of the store, for their shape
_SOUGHT = b"a region"  # in place of its encoded picture, which nobody needs: it is sought by its vector


class PictureSearch(Protocol):
    """What instance search needs of a search engine."""

    def search_encoded(self, query: Query, vector: Vectors | None) -> Results:
        """A page of products near a unit vector [D]."""

    def picture(self, product_id: str, number: int = 0) -> bytes | None:
        """An encoded picture of a listing."""


def find_instances(
    photo: Photo,
    engine: PictureSearch,
    encoder: QueryEncoder,
    *,
    filters: Filters | None = None,
    top_k: int = 5,
    max_instances: int = MAX_INSTANCES,
    max_regions: int = MAX_REGIONS,
) -> list[Instance]:
    """The products that a photo shows, best first. The photo as a whole is one of the regions.

    Args:
        photo: As `photos.open_photo` decodes it.
        engine: Searches the store.
        encoder: The model of the store's vectors; takes decoded pictures, as eclip's encoders do.
        filters: What the products must be.
        top_k: Hits of each instance.
        max_instances: At most this many.
        max_regions: At most this many are encoded and searched, the whole photo among them.

    Raises:
        ConfigError: A value is out of its range.
        MissingExtraError: OpenCV is not there.
    """
    for name, value, most in (
        ("max_instances", max_instances, MAX_INSTANCES),
        ("max_regions", max_regions, MAX_REGIONS),
    ):
        if not 1 <= value <= most:
            raise ConfigError(f"{name} is {value}; expected 1 to {most}")
    boxes = propose_regions(photo.pixels, max_regions=max_regions)
    query = Query(image=_SOUGHT, filters=filters or Filters(), top_k=top_k, ranking="vectors")
    findings = search_regions(photo.pixels, boxes, query, engine, encoder)
    return [_instance(each.box, each.hits, photo) for each in merged_findings(findings, max_findings=max_instances)]


def search_regions(
    picture: Any, boxes: Boxes, query: Query, engine: PictureSearch, encoder: QueryEncoder
) -> list[Finding]:
    """What each region of a picture finds by itself; those that find nothing are left out.

    Args:
        picture: RGB.
        boxes: [n, 4]; the first is the whole picture, which is searched as it is. The pictures that it finds tell
            what shape the shop's pictures have, and the other regions are framed so.
        query: What is asked of each.
        engine: Searches the store.
        encoder: Makes the vectors.
    """
    whole = _hits(engine, query, encoder.encode_image([picture]), top_k=max(query.top_k, _PICTURES_SEEN))
    aspect = usual_aspect(engine.picture(hit.product_id) for hit in whole[0][:_PICTURES_SEEN])
    found = [whole[0][: query.top_k]]
    for start in range(1, len(boxes), _REGIONS_AT_ONCE):
        some = [region_picture(picture, box, aspect=aspect) for box in boxes[start : start + _REGIONS_AT_ONCE]]
        found += _hits(engine, query, encoder.encode_image(some), top_k=query.top_k)
    return [Finding(box=box, hits=hits) for box, hits in zip(boxes, found, strict=True) if hits]


def _hits(engine: PictureSearch, query: Query, vectors: Vectors, *, top_k: int) -> list[list[Hit]]:
    asked = replace(query, top_k=top_k)
    return [engine.search_encoded(asked, vector).hits for vector in vectors]


def _instance(box: Any, hits: list[Hit], photo: Photo) -> Instance:
    """With its box in whole pixels of the photo."""
    across, down = photo.scale
    left, top = max(int(np.floor(box[0] * across)), 0), max(int(np.floor(box[1] * down)), 0)
    right, bottom = min(int(np.ceil(box[2] * across)), photo.width), min(int(np.ceil(box[3] * down)), photo.height)
    return Instance(box=(left, top, right, bottom), hits=hits, confidence=float(np.clip(hits[0].score, 0.0, 1.0)))
