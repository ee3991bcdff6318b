"""Categories from their names alone: the text tower reads them as if they were titles.

For shops without labels or with few, and for leaves that no product is labelled with: the cosine of a listing and a
name is added to the logits of whatever head there is (`eclip.tasks.category.fewlabels`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from eclip.errors import FeedError
from eclip.tasks.category.targets import SEPARATOR

EncodeText: TypeAlias = Callable[[Sequence[str]], np.ndarray]  # texts [n] -> unit vectors [n, D]


def name_texts(path: Sequence[str]) -> list[str]:
    """What a path is read as: its leaf, the leaf under its parent, and the whole path."""
    return list(dict.fromkeys([path[-1], " ".join(path[-2:]), " ".join(path)]))


def name_vectors(paths: Sequence[Sequence[str]], encode_text: EncodeText) -> np.ndarray:
    """Unit vector [C, D] of each path: the mean over its texts."""
    texts = [name_texts(path) for path in paths]
    vectors = encode_text([text for several in texts for text in several])
    ends = np.cumsum([len(several) for several in texts])
    starts = ends - [len(several) for several in texts]
    means = np.add.reduceat(vectors, starts, axis=0)
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def read_names(file: Path) -> list[tuple[str, ...]]:
    """Category paths of a text file, one a line, levels parted by " > ".

    Raises:
        FeedError: It can't be read, holds no path, or one with an empty level.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise FeedError(f"{file}: no list of categories ({error}); expected a text file, one path a line") from error
    paths = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        path = tuple(part.strip() for part in line.split(SEPARATOR.strip()))
        if not all(path):
            raise FeedError(f"{line.strip()!r} has an empty level, expected names between >", path=file, row=number)
        paths.append(path)
    found = list(dict.fromkeys(paths))
    if not found:
        raise FeedError(f"{file} holds no category; expected one path a line, such as Apparel{SEPARATOR}Shirts")
    return found
