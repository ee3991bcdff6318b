"""Distant supervision: where the feed's own values stand in titles, their words are tagged.

A title in which no value of an attribute stands says nothing about it: it may name the value in other words or
another language, or not at all, and is left out for that attribute.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclip.tasks.attributes.spans.words import Words, find_value, value_keys

OUTSIDE, BEGIN, INSIDE = 0, 1, 2
TAGS = ("O", "B", "I")
UNKNOWN = -1


def tag_values(words: Words, values: Sequence[str]) -> np.ndarray:
    """Tags [len(words)] int64 of the values that stand in a title; all `UNKNOWN` where none does.

    Longer values are marked first, and what is marked stays: of "Blue" and "Navy Blue" the whole colour counts.
    """
    tags = np.full(len(words), OUTSIDE, dtype=np.int64)
    for keys in sorted({value_keys(value) for value in values}, key=len, reverse=True):
        for first, end in find_value(words, keys):
            if (tags[first:end] == OUTSIDE).all():
                tags[first] = BEGIN
                tags[first + 1 : end] = INSIDE
    return tags if (tags == BEGIN).any() else np.full(len(words), UNKNOWN, dtype=np.int64)


def best_tags(log_chances: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The most probable tags [n, L] of titles in which I follows only B or I (Viterbi, 1967).

    Args:
        log_chances: [n, L, 3] log-probabilities of O, B, I; what lies behind a title's end is ignored.
        lengths: [n] words of each title.

    Returns:
        Tags, O behind the end.
    """
    num_titles, longest, _ = log_chances.shape
    allowed = np.zeros((3, 3))
    allowed[OUTSIDE, INSIDE] = -np.inf
    best = np.full((num_titles, longest, 3), 0.0)
    came_from = np.zeros((num_titles, longest, 3), dtype=np.int64)
    for place in range(longest):
        here = log_chances[:, place]
        if place == 0:
            best[:, 0] = here
            best[:, 0, INSIDE] = -np.inf
            continue
        paths = best[:, place - 1, :, None] + allowed
        came_from[:, place] = paths.argmax(axis=1)
        best[:, place] = paths.max(axis=1) + here
    tags = np.zeros((num_titles, longest), dtype=np.int64)
    for place in range(longest - 1, -1, -1):
        is_last = lengths - 1 == place
        inside = lengths - 1 > place
        after = came_from[np.arange(num_titles), min(place + 1, longest - 1), tags[:, min(place + 1, longest - 1)]]
        tags[:, place] = np.where(is_last, best[:, place].argmax(axis=1), np.where(inside, after, OUTSIDE))
    return tags


def spans_of(tags: np.ndarray) -> list[tuple[int, int]]:
    """(first, last + 1) of each span that tags [L] mark."""
    spans = []
    for first in np.flatnonzero(tags == BEGIN).tolist():
        end = first + 1
        while end < len(tags) and tags[end] == INSIDE:
            end += 1
        spans.append((first, end))
    return spans
