"""What is known of a word without any tower: itself, its neighbours, its letters and its looks, hashed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import sparse

from eclip.tasks.attributes.spans.words import Words
from eclip.tasks.heads.lexical import unit_rows

NUM_BUCKETS = 2**15
MAX_PLACE = 6  # places from either end of the title that are told apart


def word_features(titles: Sequence[Words]) -> sparse.csr_matrix:
    """Indicators [W, NUM_BUCKETS] of all words of all titles, one after the other; unit rows."""
    from sklearn.feature_extraction import FeatureHasher

    hasher = FeatureHasher(n_features=NUM_BUCKETS, input_type="string", alternate_sign=False, dtype=np.float32)
    num_words = sum(map(len, titles))
    if not num_words:
        return sparse.csr_matrix((0, NUM_BUCKETS), dtype=np.float32)
    return unit_rows(hasher.transform(said for words in titles for said in _indicators(words)))


def word_shape(text: str) -> str:
    """How a word looks, its runs cut short: "EV" and "AB" are "XX", "6634" is "99", "Blue" is "Xx", Hangul is "한"."""
    kinds: list[str] = []
    for letter in text:
        if letter.isdigit():
            kind = "9"
        elif letter.isupper():
            kind = "X"
        elif letter.islower():
            kind = "x"
        elif letter.isalpha():
            kind = "한" if "\uac00" <= letter <= "\ud7a3" else "文"
        else:
            kind = letter
        if len(kinds) < 2 or kinds[-2:] != [kind, kind]:
            kinds.append(kind)
    return "".join(kinds)


def _indicators(words: Words) -> Iterator[list[str]]:
    """Names of what holds for each word of a title."""
    shapes = [word_shape(text) for text in words.texts]
    keys = [key or text for key, text in zip(words.keys, words.texts, strict=True)]
    count = len(words)
    for place, key in enumerate(keys):
        said = [f"w={key}", f"s={shapes[place]}", f"<{min(place, MAX_PLACE)}", f">{min(count - 1 - place, MAX_PLACE)}"]
        said += [f"p{size}={key[:size]}" for size in (1, 2, 3) if len(key) > size]
        said += [f"e{size}={key[-size:]}" for size in (1, 2, 3) if len(key) > size]
        said.append(f"len={min(len(key), 8)}")
        for step in (-2, -1, 1, 2):
            other = place + step
            inside = 0 <= other < count
            said.append(f"w{step}={keys[other] if inside else ''}")
            said.append(f"s{step}={shapes[other] if inside else ''}")
        yield said
