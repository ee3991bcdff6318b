"""Model numbers that sellers write with a market's letters and without: "ue49m5520akxxu", "ue49m5520", "49m5520".

What follows or leads many known numbers is either such a market's tail or head, or a code of colour or size. Sellers
tell which: one that has two items lists both, one that has the same item lists it once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

_MIN_STEM_CHARS = 8
_MIN_AFFIX_CHARS = 2
_MIN_STEMS = 3
_MIN_SELLERS = 3  # on each side: what one or two sellers do is their habit
_MIN_EXPECTED = 3.0  # sellers with both, were they two items: that none has them has a chance of exp(-3), 5 %


def region_stems(numbers: Sequence[str | None], sellers: np.ndarray) -> dict[str, str]:
    """Model numbers that are another one and a region's letters: "ue49m5520akxxu" -> "ue49m5520".

    A tail, or a head of letters alone (digits tell sizes), counts if it goes with at least three known numbers, if
    three sellers write it and three do not, and if no seller lists any number in both forms although three would be
    expected to, were they two items. Then tails that are cut off count too: "ue49m5520a", where "ue49m5520akxxu"
    is known. Without sellers nothing can be told and nothing is cut.

    Args:
        numbers: [N] the model number of each listing, None = none.
        sellers: [N] int64 seller codes, -1 = not known.
    """
    sellers_of: dict[str, set[int]] = defaultdict(set)
    for number, seller in zip(numbers, sellers.tolist(), strict=True):
        if number and seller >= 0:
            sellers_of[number].add(seller)
    forms = [form for number in sellers_of for form in _shorter_forms(number, sellers_of)]
    regional = _regional_affixes(forms, sellers_of)
    found = sorted((form for form in forms if form.affix in regional), key=lambda form: (len(form.stem), form))
    stems = {form.number: form.stem for form in found}  # of several stems the longest stays
    for form in found:
        for cut_off in _cut_off(form, sellers_of):
            stems.setdefault(cut_off, form.stem)
    return {number: _root(stem, stems) for number, stem in stems.items()}


@dataclass(frozen=True, order=True)
class _Form:
    """A number, the shorter one that it holds, and what it has more: "-xxu" behind it, "ue-" before it."""

    number: str
    stem: str
    affix: str


def _shorter_forms(number: str, known: dict[str, set[int]]) -> Iterator[_Form]:
    longest = len(number) - _MIN_AFFIX_CHARS
    for cut in range(_MIN_STEM_CHARS, longest + 1):
        if number[:cut] in known:
            yield _Form(number, number[:cut], f"-{number[cut:]}")
    for cut in range(_MIN_AFFIX_CHARS, len(number) - _MIN_STEM_CHARS + 1):
        if not number[:cut].isalpha():
            break
        if number[cut:] in known:
            yield _Form(number, number[cut:], f"{number[:cut]}-")


@dataclass
class _Habit:
    """Who writes an affix and who leaves it out."""

    stems: set[str] = field(default_factory=set)
    writing: set[int] = field(default_factory=set)
    leaving: set[int] = field(default_factory=set)
    chances: int = 0  # pairs of a seller with and one without it, on one number
    has_both: bool = False

    def is_regional(self) -> bool:
        """Whether both forms are of one item; see `region_stems`."""
        enough = len(self.stems) >= _MIN_STEMS and min(len(self.writing), len(self.leaving)) >= _MIN_SELLERS
        return enough and not self.has_both and self.chances >= _MIN_EXPECTED * len(self.writing | self.leaving)


def _regional_affixes(forms: Sequence[_Form], sellers_of: dict[str, set[int]]) -> set[str]:
    habits: dict[str, _Habit] = defaultdict(_Habit)
    for form in forms:
        habit, writing, leaving = habits[form.affix], sellers_of[form.number], sellers_of[form.stem]
        habit.stems.add(form.stem)
        habit.writing |= writing
        habit.leaving |= leaving
        habit.chances += len(writing) * len(leaving)
        habit.has_both = habit.has_both or bool(writing & leaving)
    return {affix for affix, habit in habits.items() if habit.is_regional()}


def _cut_off(form: _Form, sellers_of: dict[str, set[int]]) -> Iterator[str]:
    """Known numbers between a number and its stem, unless a seller lists one beside the stem."""
    if form.affix.startswith("-"):
        for cut in range(len(form.stem) + 1, len(form.number)):
            shorter = form.number[:cut]
            if shorter in sellers_of and not sellers_of[shorter] & sellers_of[form.stem]:
                yield shorter


def _root(stem: str, stems: dict[str, str]) -> str:
    while stem in stems:
        stem = stems[stem]
    return stem
