"""Figures of values found in titles, over test rows of which the feed gives a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eclip.tasks.attributes.spans.extractor import SpanAnswer, SpanExtractor
from eclip.tasks.attributes.spans.labels import UNKNOWN, tag_values
from eclip.tasks.attributes.spans.words import split_words, value_keys
from eclip.tasks.results import OUR_METHOD, Result


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One title: whether a true value stands in it, and whether its best span is right; None = it can't be told."""

    stands: bool
    right: bool | None
    answered: bool
    sure: bool


def span_results(
    name: str,
    extractor: SpanExtractor,
    titles: Sequence[str],
    answers: Sequence[Sequence[SpanAnswer]],
    truth: Sequence[Sequence[str]],
) -> list[Result]:
    """Precision and recall of the best span of one attribute.

    Recall is over titles in which a true value stands, word by word. Precision leaves out answers that can't be
    judged: the feed's value does not stand there, and what was found is no name that the feed knows.

    Args:
        name: Of the attribute.
        extractor: That answered.
        titles: Of test rows [n].
        answers: Its spans of this attribute in each.
        truth: True values of each; rows without one are left out.
    """
    judged = [
        _judge(extractor.attributes[name].names, title, said, own)
        for title, said, own in zip(titles, answers, truth, strict=True)
        if own
    ]
    told = [each for each in judged if each.answered and each.right is not None]
    sure = [each for each in told if each.sure]
    standing = [each for each in judged if each.stands]
    figures = {
        "precision": ([bool(each.right) for each in told]),
        "precision of sure answers": ([bool(each.right) for each in sure]),
        "coverage of sure answers": ([each.sure for each in judged]),
        "recall where it stands": ([bool(each.right) for each in standing]),
    }
    return [
        Result(
            task="attributes",
            target=f"{name} in titles",
            metric=metric,
            modality="text",
            method=OUR_METHOD,
            value=sum(hits) / len(hits),
            support=len(hits),
        )
        for metric, hits in figures.items()
        if hits
    ]


def _judge(names: dict[str, str], title: str, said: Sequence[SpanAnswer], own: Sequence[str]) -> _Judged:
    stands = bool((tag_values(split_words(title), own) != UNKNOWN).any())
    if not said:
        return _Judged(stands=stands, right=None, answered=False, sure=False)
    true = {value_keys(value) for value in own}
    hit = bool({value_keys(said[0].value), value_keys(said[0].text)} & true)
    known = " ".join(value_keys(said[0].text)) in names
    return _Judged(stands=stands, right=hit if hit or stands or known else None, answered=True, sure=said[0].sure)
