"""Titles as weighted terms: rare ones, most of all model numbers in whatever form a seller writes them.

Terms are words, neighbouring words that stand elsewhere as one ("ab 65cd750b" where another title has "ab65cd750b"),
and heads and tails of codes ("zk65mu8310" of "zk65mu8310uxxu"). They are known by a 32-bit checksum, so that no
vocabulary of millions of words is held.
"""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eclip.products.catalogs.lexicon import COLOUR_OF
from eclip.products.catalogs.quantities import is_quantity

_WORD = re.compile(r"[^\W_]+")
_JOINED = (2, 3)  # words
_MIN_CODE = 5  # letters and digits
_MIN_AFFIX = 5
_AFFIX_WEIGHT = 0.3  # of a head or tail against a word of the same rarity
NUMBER, CODE, QUANTITY, COLOUR = 1, 2, 4, 8  # bits: what a word is


@dataclass(frozen=True, kw_only=True)
class TitleTerms:
    """N titles by their terms.

    Attributes:
        near: [N, T] csr float32 unit rows of rare terms, for neighbours; terms in too many titles are left out.
        words: [N, V] csr float32 of words and joined words, columns ascending; each value is the word's rarity
            ln(N / titles that have it), as a share of ln(N).
        alone: Beside each value of `words`, what the word tells where only this title has it: its rarity, less for
            what its seller writes on many listings ("sim free", "with free delivery").
        kinds: [V] uint8 bits: what each word is.
        codes: Letters of the codes of all titles, one after the other, uint8.
        code_starts: [C + 1] where each code starts.
        title_codes: [N + 1] which of the codes are a title's.
    """

    near: sparse.csr_matrix
    words: sparse.csr_matrix
    alone: np.ndarray
    kinds: np.ndarray
    codes: np.ndarray
    code_starts: np.ndarray
    title_codes: np.ndarray


def title_terms(titles: Sequence[str | None], sellers: np.ndarray, *, max_titles: int = 1500) -> TitleTerms:
    """Read titles.

    Args:
        titles: N titles; a missing one has no terms.
        sellers: [N] int64 codes; -1 = not known.
        max_titles: A term in more of them finds no neighbours: it tells nothing apart, and costs the square.
    """
    split = [_WORD.findall((title or "").casefold()) for title in titles]
    kinds: dict[str, int] = {}
    for words in split:
        for word in words:
            if word not in kinds:
                kinds[word] = _kind(word)
    written = {word for word, kind in kinds.items() if kind & CODE}
    whole, parts = array("I"), array("I")
    ends, part_ends = array("q", [0]), array("q", [0])
    kind_of: dict[int, int] = {}
    letters, starts, title_codes = bytearray(), array("q", [0]), array("q", [0])
    for words in split:
        terms = {*words, *_joined(words, written)}
        for term in terms:
            code = _checksum(term)
            whole.append(code)
            kind = kinds[term] if term in kinds else _kind(term)
            kind_of[code] = kind
            if kind & CODE:
                letters += term.encode()
                starts.append(len(letters))
                parts.extend(_checksum(affix) for affix in _affixes(term))
        ends.append(len(whole))
        part_ends.append(len(parts))
        title_codes.append(len(starts) - 1)
    found, rarity, columns = _table(whole, ends)
    near = sparse.hstack([_near(found, max_titles), _near(_table(parts, part_ends)[0], max_titles, _AFFIX_WEIGHT)])
    found.data *= rarity[found.indices]
    return TitleTerms(
        near=_unit_rows(near.tocsr()),
        words=found,
        alone=found.data * _rarity_at_seller(found, sellers),
        kinds=np.array([kind_of[code] for code in columns.tolist()] or [0], dtype=np.uint8),
        codes=np.frombuffer(bytes(letters) or b"\0", dtype=np.uint8),
        code_starts=np.array(starts, dtype=np.int64),
        title_codes=np.array(title_codes, dtype=np.int64),
    )


def _rarity_at_seller(table: sparse.csr_matrix, sellers: np.ndarray) -> np.ndarray:
    """For each value of a table [N, V]: 1 for what its seller writes once, near 0 for what is on all its listings."""
    rows = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
    of_seller = np.bincount(sellers + 1, minlength=1)[sellers[rows] + 1] + 1
    _, inverse, counts = np.unique(
        (sellers[rows] + 1) * table.shape[1] + table.indices, return_inverse=True, return_counts=True
    )
    share = np.log(of_seller / counts[inverse]) / np.log(of_seller)
    return np.where(sellers[rows] < 0, 1.0, share).astype(np.float32)


def _kind(word: str) -> int:
    if not any(sign.isdigit() for sign in word):
        return COLOUR if word in COLOUR_OF else 0
    if is_quantity(word) or (word.isdigit() and len(word) < 4):
        return NUMBER | QUANTITY
    lettered = any(sign.isalpha() for sign in word)
    return NUMBER | (CODE if len(word) >= _MIN_CODE and lettered else 0)


def _joined(words: list[str], written: set[str]) -> Iterator[str]:
    """Neighbouring words that another title writes as one code, and a number with its unit ("32 gb")."""
    for length in _JOINED:
        for start in range(len(words) - length + 1):
            one = "".join(words[start : start + length])
            if one in written or (length == 2 and words[start].isdigit() and is_quantity(one)):
                yield one


def _affixes(code: str) -> set[str]:
    """Heads ("^zk65m", ...) and tails of a code, itself as both: "toqrs75m461b" and "qrs75m461b" share tails."""
    if len(code) <= _MIN_AFFIX:
        return set()
    lengths = range(_MIN_AFFIX, len(code) + 1)
    return {f"^{code[:length]}" for length in lengths} | {f"${code[-length:]}" for length in lengths}


def _checksum(term: str) -> int:
    return zlib.crc32(term.encode())


def _table(codes: array[int], ends: array[int]) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    """Which terms each title has: [N, V] of ones, the rarity [V] of each as a share of ln(N), and its checksum."""
    columns, indices = np.unique(np.frombuffer(codes, dtype=np.uint32), return_inverse=True)
    num_rows = len(ends) - 1
    offsets = np.frombuffer(ends, dtype=np.int64)
    ones = np.ones(len(indices), dtype=np.float32)
    table = sparse.csr_matrix((ones, indices, offsets), shape=(num_rows, max(1, len(columns))))
    table.sum_duplicates()
    table.data[:] = 1
    counts = np.bincount(table.indices, minlength=table.shape[1])
    rarity = np.log(num_rows / np.maximum(counts, 1)) / max(np.log(num_rows), 1e-6)
    return table, rarity.astype(np.float32), columns


def _near(table: sparse.csr_matrix, max_titles: int, weight: float = 1.0) -> sparse.csr_matrix:
    """The terms of at least two and at most `max_titles` titles, weighed by the square of their rarity."""
    counts = np.bincount(table.indices, minlength=table.shape[1])
    kept = np.flatnonzero((counts >= 2) & (counts <= max_titles))
    out = table[:, kept].astype(np.float32)
    rarity = np.log(table.shape[0] / np.maximum(counts[kept], 1))
    out.data *= (weight * rarity**2).astype(np.float32)[out.indices]
    return out


def _unit_rows(table: sparse.csr_matrix) -> sparse.csr_matrix:
    lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).reshape(-1))
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    out = sparse.csr_matrix(sparse.diags(scale) @ table, dtype=np.float32)
    out.sort_indices()
    return out
