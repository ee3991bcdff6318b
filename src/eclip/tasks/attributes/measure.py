"""Measure attribute extraction whole, as it answers for new listings: from picture, from title, and from both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eclip.metrics import macro_f1_multilabel, micro_f1
from eclip.schema import SPLITS
from eclip.tasks.attributes.answers import AttributeAnswer, AttributeExtractor
from eclip.tasks.attributes.extraction import TitleSource, title_values
from eclip.tasks.attributes.results import answer_results, value_marks
from eclip.tasks.attributes.spans.results import span_results
from eclip.tasks.attributes.targets import NAME
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.features import present_rows
from eclip.tasks.intervals import estimate
from eclip.tasks.results import MODALITIES, OUR_METHOD, Result, results_of

if TYPE_CHECKING:
    from eclip.tasks.attributes.spans.states import TokenStates

GAIN = "gain of picture over title alone, {}"
GAINS = {"micro-F1": micro_f1, "macro-F1": macro_f1_multilabel}


def fitted_results(catalogue: Catalogue, folder: Path, *, buckets: np.ndarray | None = None) -> list[Result]:
    """Figures of the closed attributes that `eclip fit` wrote into `folder`, by the heads without spans.

    Args:
        catalogue: The products, with vectors of the model.
        folder: MODEL/tasks/attributes.
        buckets: [N] bucket of each row's product, for intervals (`eclip.tasks.intervals`).

    Raises:
        ModelError: A part is missing or damaged.
    """
    return extraction_results(catalogue, AttributeExtractor.load(folder).without_spans(), buckets=buckets)


def title_results(catalogue: Catalogue, folder: Path, source: TitleSource) -> list[Result]:
    """Figures of the values that `eclip fit` finds in titles, over test titles whose listing has one.

    Args:
        catalogue: The products, with vectors of the model.
        folder: MODEL/tasks/attributes.
        source: What `fit` was given to learn them from.

    Raises:
        ModelError: A part is missing or damaged.
    """
    extractor = AttributeExtractor.load(folder)
    rows = [row for row in catalogue.rows_of(SPLITS[2]).tolist() if catalogue.titles[row]]
    if extractor.spans is None or not rows:
        return []
    titles = [catalogue.titles[row] or "" for row in rows]
    answers = extractor.title_answers(
        catalogue.image_vectors[rows], catalogue.text_vectors[rows], titles, tower=source.tower
    )
    truth = title_values(catalogue, source.columns)
    nobody: list[tuple[str, ...]] = [()] * catalogue.num_rows
    results = []
    for name in extractor.spans.attributes:
        own = truth.get(name, nobody)
        results += span_results(name, extractor.spans, titles, answers[name], [own[row] for row in rows])
    return results


def extraction_results(
    catalogue: Catalogue,
    extractor: AttributeExtractor,
    *,
    tower: TokenStates | None = None,
    method: str = OUR_METHOD,
    buckets: np.ndarray | None = None,
) -> list[Result]:
    """Figures of every closed attribute over test rows that have it, and what the picture adds to the title.

    A modality is measured by withholding the other one. The gain is over rows that have both: the figure with both
    less the figure of titles alone on the same rows.

    Args:
        catalogue: The products, with vectors of the model.
        extractor: Of that model.
        tower: Of that model, where spans read hidden states.
        method: Of the table.
        buckets: [N] bucket of each row's product, for intervals (`eclip.tasks.intervals`).
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
            results += answer_results(
                name,
                [truth[place] for place in places],
                _values(name, answers, places),
                _values(name, answers, places, sure_only=True),
                modality=modality,
                method=method,
                buckets=None if buckets is None else buckets[test[places]],
            )
        places = np.flatnonzero(with_value & has["image"] & has["text"])
        marks = value_marks(
            [truth[place] for place in places],
            *(_values(name, found[modality], places) for modality in ("text", "both")),
        )
        drawn = None if buckets is None else buckets[test[places]]
        gains = {GAIN.format(metric): estimate(_gain_of(f1), *marks, buckets=drawn) for metric, f1 in GAINS.items()}
        results += results_of(gains, task=NAME, target=name, modality="both", method=method)
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


def _values(
    name: str, answers: list[dict[str, AttributeAnswer]], places: np.ndarray, *, sure_only: bool = False
) -> list[tuple[str, ...]]:
    """What was answered at some places; () where nothing was."""
    said = [answers[place].get(name) for place in places]
    return [answer.values if answer and (answer.sure or not sure_only) else () for answer in said]


def _gain_of(f1: Callable[[np.ndarray, np.ndarray], float]) -> Callable[..., float]:
    """How much better the third of three [n, C] agrees with the first than the second does."""

    def gain(truth: np.ndarray, before: np.ndarray, after: np.ndarray) -> float:
        return f1(truth, after) - f1(truth, before)

    return gain
