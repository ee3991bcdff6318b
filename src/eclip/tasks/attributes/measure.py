"""Measure attribute extraction whole, as it answers for new listings: from picture, from title, and from both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eclip.schema import SPLITS
from eclip.tasks.attributes.answers import AttributeAnswer, AttributeExtractor
from eclip.tasks.attributes.results import answer_results
from eclip.tasks.attributes.targets import NAME
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.features import present_rows
from eclip.tasks.results import MODALITIES, OUR_METHOD, Result

if TYPE_CHECKING:
    from eclip.tasks.attributes.spans.states import TokenStates

GAIN = "gain of picture over title alone, {}"
GAINS = ("accuracy", "micro-F1", "macro-F1")


def extraction_results(
    catalogue: Catalogue, extractor: AttributeExtractor, *, tower: TokenStates | None = None, method: str = OUR_METHOD
) -> list[Result]:
    """Figures of every closed attribute over test rows that have it, and what the picture adds to the title.

    A modality is measured by withholding the other one. The gain is over rows that have both: the figure with both
    less the figure of titles alone on the same rows.

    Args:
        catalogue: The products, with vectors of the model.
        extractor: Of that model.
        tower: Of that model, where spans read hidden states.
        method: Of the table.
    """
    test = catalogue.rows_of(SPLITS[2])
    has = {
        "image": present_rows(catalogue.image_vectors[test]),
        "text": present_rows(catalogue.text_vectors[test]),
    }
    has["both"] = has["image"] | has["text"]
    found = {each: _answers(catalogue, extractor, test, each, tower) for each in MODALITIES}
    results = []
    for name in extractor.closed:
        truth = [catalogue.attributes[row].get(name, ()) for row in test]
        with_value = np.array([bool(own) for own in truth], dtype=bool)
        for modality, answers in found.items():
            places = np.flatnonzero(with_value & has[modality])
            results += _figures(name, truth, answers, places, modality=modality, method=method)
        places = np.flatnonzero(with_value & has["image"] & has["text"])
        results += _gains(name, truth, found["text"], found["both"], places, method=method)
    return results


def _answers(
    catalogue: Catalogue, extractor: AttributeExtractor, rows: np.ndarray, modality: str, tower: TokenStates | None
) -> list[dict[str, AttributeAnswer]]:
    images, texts = catalogue.image_vectors[rows], catalogue.text_vectors[rows]
    titles = [catalogue.titles[row] for row in rows]
    if modality == "image":
        texts, titles = np.full_like(texts, np.nan), [None] * len(rows)
    elif modality == "text":
        images = np.full_like(images, np.nan)
    return extractor.answers(images, texts, titles, tower=tower)


def _figures(
    name: str,
    truth: list[tuple[str, ...]],
    answers: list[dict[str, AttributeAnswer]],
    places: np.ndarray,
    *,
    modality: str,
    method: str,
) -> list[Result]:
    said = [answers[place].get(name) for place in places]
    given = [answer.values if answer else () for answer in said]
    sure = [answer.values if answer and answer.sure else () for answer in said]
    return answer_results(name, [truth[place] for place in places], given, sure, modality=modality, method=method)


def _gains(
    name: str,
    truth: list[tuple[str, ...]],
    by_title: list[dict[str, AttributeAnswer]],
    by_both: list[dict[str, AttributeAnswer]],
    places: np.ndarray,
    *,
    method: str,
) -> list[Result]:
    pair = [
        {result.metric: result for result in _figures(name, truth, answers, places, modality="both", method=method)}
        for answers in (by_title, by_both)
    ]
    return [
        Result(
            task=NAME,
            target=name,
            metric=GAIN.format(metric),
            modality="both",
            method=method,
            value=pair[1][metric].value - pair[0][metric].value,
            support=len(places),
        )
        for metric in GAINS
        if len(places)
    ]
