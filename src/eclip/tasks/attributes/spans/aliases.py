"""The same value in another script: what "남색" or "베리제" is called in the feed's own attribute columns.

A Korean title names colour and brand in Hangul where the column has them in Latin letters. A word of another script
that hardly ever comes without one value, names it in a good part of the titles where the value itself does not
stand, and does so for products of several categories, is taken for its name: a word for the product, all of
which are of one material, is found in one category only. Within one script such a word would as often be a model
of that brand, so only other scripts are looked at.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from eclip.tasks.attributes.spans.words import Words, find_value, value_keys

MIN_TITLES = 5  # with both the word and the value
MIN_SHARE = 0.9  # of the word's titles
MIN_COVERED = 0.2  # of the value's titles of that script where the value does not stand
MIN_CATEGORIES = 3  # that the word is seen in
MAX_COMMON = 0.5  # share of all titles with a value, above which it comes with any word


def find_aliases(
    titles: Sequence[Words], values: Sequence[Sequence[str]], categories: Sequence[str | None]
) -> dict[str, str]:
    """Words of titles, as they are compared, that name a value in another script; by word.

    Args:
        titles: To learn from.
        values: Of one attribute, of each title; empty where unknown.
        categories: Of each title; None where unknown, which counts as none.
    """
    together: dict[str, Counter[str]] = defaultdict(Counter)  # by value, titles with each word of another script
    unstated: Counter[str] = Counter()  # by value, titles with any word of another script
    seen: Counter[str] = Counter()
    kinds: dict[str, set[str]] = defaultdict(set)
    for words, own, category in zip(titles, values, categories, strict=True):
        keys = {key for key in words.keys if key and not _has_digit(key)}
        seen.update(keys if own else ())
        for value in own:
            parts = value_keys(value)
            hangul = _is_hangul("".join(parts))
            others = {key for key in keys if _is_hangul(key) != hangul}
            if parts and others and not find_value(words, parts):
                together[value].update(others)
                unstated[value] += 1
                if category:
                    for key in others:
                        kinds[key].add(category)
    found: dict[str, tuple[int, str]] = {}
    num_titles = Counter(value for own in values for value in own)
    most = MAX_COMMON * sum(bool(own) for own in values)
    for value, counts in together.items():
        if num_titles[value] > most:
            continue
        for key, count in counts.items():
            enough = count >= max(MIN_TITLES, MIN_SHARE * seen[key], MIN_COVERED * unstated[value])
            if enough and len(kinds[key]) >= MIN_CATEGORIES and count > found.get(key, (0, ""))[0]:
                found[key] = (count, value)
    return {key: value for key, (_, value) in found.items()}


def known_names(values: Iterable[str], aliases: dict[str, str]) -> dict[str, str]:
    """The value that each name stands for, by the words of the name, joined as they are compared.

    Of several spellings of one name ("PUMA", "Puma") the most frequent one is the value.

    Args:
        values: Of one attribute, as often as they occur.
        aliases: By `find_aliases`.
    """
    names = dict(aliases)
    for value, _ in reversed(Counter(values).most_common()):
        names[" ".join(value_keys(value))] = value
    names.pop("", None)
    return names


def _is_hangul(text: str) -> bool:
    return any("\uac00" <= letter <= "\ud7a3" for letter in text)


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)
