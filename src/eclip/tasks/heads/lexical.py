"""The lexical expert: linear heads over the very words and letter groups of a title.

A title vector of a few hundred numbers loses rare words, and the labels of categories and attributes often
are words of the title. These heads see every word, and are combined with those over vectors
(`eclip.tasks.heads.modal`). Terms are hashed, so that no vocabulary of a feed's texts has to be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from eclip.tasks.heads.linear import AnyHead, Head, LinearHeads
from eclip.tasks.taskfiles import read_versioned, readable, replacing, write_versioned

LEXICAL_VERSION = 1  # of the files, and of how titles become buckets: NUM_BUCKETS and HALVES
LEXICAL_CONFIG = "lexical.json"
LEXICAL_TERMS = "terms.safetensors"
NUM_BUCKETS = 2**20  # terms of real titles hardly ever share one
MAX_TERMS = 2**15  # of each half, the most frequent; fashion has 18,262
MAX_WEIGHTS = 2**24  # of all heads together, 32 MB as float16: many classes leave room for fewer terms
MIN_TITLES = 2  # a term must occur in, once there are enough titles
ENOUGH_TITLES = 1000
TITLES_AT_ONCE = 50_000  # whose terms, known or not, are in memory: a kilobyte or two a title
# One letter is a word, too: sizes, and much of Korean.
HALVES = (
    {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\w+"},  # nosec B105
    {"analyzer": "char_wb", "ngram_range": (2, 4)},
)
SHARES = np.linspace(0, 1, 11)
DEFAULT_SHARE = 0.5  # of the lexical expert where no validation row tells
FLOOR = 1e-6  # probability below which no expert goes: none has a veto


@dataclass(frozen=True)
class TitleTerms:
    """The terms that count, and their inverse document frequencies: words (1-2) and letter groups (2-4)."""

    buckets: tuple[np.ndarray, ...]  # of each half, [V_h] int32, ascending
    idf: tuple[np.ndarray, ...]  # of each half, [V_h] float32

    @classmethod
    def of(cls, titles: Sequence[str | None], *, max_terms: int) -> TitleTerms:
        """Choose terms and their frequencies from training titles; none where no title has a term.

        Args:
            titles: To learn from.
            max_terms: Of each half; the most frequent are kept.
        """
        least = MIN_TITLES if len(titles) >= ENOUGH_TITLES else 1
        frequencies = [np.zeros(NUM_BUCKETS, dtype=np.int64) for _ in HALVES]
        for start in range(0, len(titles), TITLES_AT_ONCE):
            for frequency, counts in zip(frequencies, _counts(titles[start : start + TITLES_AT_ONCE]), strict=True):
                frequency += np.bincount(counts.indices, minlength=NUM_BUCKETS)
        kept, weights = [], []
        for frequency in frequencies:
            buckets = np.flatnonzero(frequency >= least)
            buckets = np.sort(buckets[np.argsort(-frequency[buckets], kind="stable")[:max_terms]])
            kept.append(buckets.astype(np.int32))
            # As scikit-learn's: ln((1 + n) / (1 + df)) + 1.
            weights.append((np.log((1 + len(titles)) / (1 + frequency[buckets])) + 1).astype(np.float32))
        return cls(tuple(kept), tuple(weights))

    @property
    def num_terms(self) -> int:
        """Columns of the features."""
        return sum(map(len, self.buckets))

    def features(self, titles: Sequence[str | None]) -> sparse.csr_matrix:
        """TF-IDF [N, V] of titles, unit halves side by side; titles without a known term are empty rows."""
        starts = range(0, max(len(titles), 1), TITLES_AT_ONCE)
        return sparse.vstack([self._features(titles[start : start + TITLES_AT_ONCE]) for start in starts], format="csr")

    def _features(self, titles: Sequence[str | None]) -> sparse.csr_matrix:
        halves = []
        for counts, buckets, idf in zip(_counts(titles), self.buckets, self.idf, strict=True):
            half = counts[:, buckets]
            half.data = (np.log(half.data) + 1) * idf[half.indices]
            halves.append(unit_rows(half))
        return sparse.hstack(halves, format="csr", dtype=np.float32)


@dataclass(frozen=True)
class LexicalHeads:
    """Softmax heads over title terms, and how much of the combined answer is theirs."""

    terms: TitleTerms
    linear: LinearHeads
    shares: dict[str, dict[str, float]]  # modality -> head's name -> share in 0..1

    def share(self, modality: str, name: str) -> float:
        """The lexical expert's share in a head's answer; 0 where it has no say."""
        return self.shares.get(modality, {}).get(name, 0.0)

    def save(self, folder: Path) -> None:
        """Write heads (float16), terms and shares as safetensors and JSON (no pickle)."""
        from safetensors.numpy import save_file

        half_precision: dict[str, AnyHead] = {
            name: Head(labels=head.labels, weight=head.weight.astype(np.float16), bias=head.bias)
            for name, head in self.linear.heads.items()
            if isinstance(head, Head)
        }
        tensors = {f"{i}.buckets": buckets for i, buckets in enumerate(self.terms.buckets)}
        tensors |= {f"{i}.idf": idf for i, idf in enumerate(self.terms.idf)}
        with replacing(folder) as aside:
            LinearHeads(half_precision).save(aside / "heads")
            save_file(tensors, str(aside / LEXICAL_TERMS))
            write_versioned(aside / LEXICAL_CONFIG, LEXICAL_VERSION, {"shares": self.shares})

    @classmethod
    def load(cls, folder: Path) -> LexicalHeads:
        """Read what `save` wrote.

        Raises:
            ModelError: It is missing, damaged or of another version.
        """
        from safetensors.numpy import load_file

        halves = range(len(HALVES))
        with readable(folder, "heads"):
            shares = read_versioned(folder / LEXICAL_CONFIG, LEXICAL_VERSION)["shares"]
            tensors = load_file(str(folder / LEXICAL_TERMS))
            buckets = tuple(tensors[f"{i}.buckets"] for i in halves)
            idf = tuple(tensors[f"{i}.idf"] for i in halves)
        stored = LinearHeads.load(folder / "heads")
        heads: dict[str, AnyHead] = {
            name: Head(labels=head.labels, weight=head.weight.astype(np.float32), bias=head.bias)
            for name, head in stored.heads.items()
            if isinstance(head, Head)
        }
        return cls(TitleTerms(buckets, idf), LinearHeads(heads), shares)


def unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The rows of [N, V] at unit length; empty rows, and matrices without a column, stay as they are."""
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).reshape(-1))
    return sparse.csr_matrix(
        (matrix.data / np.repeat(lengths, np.diff(matrix.indptr)), matrix.indices, matrix.indptr), shape=matrix.shape
    )


def max_terms_for(num_classes: int) -> int:
    """How many terms of each half heads of so many classes in all may have."""
    return min(MAX_TERMS, MAX_WEIGHTS // (len(HALVES) * max(num_classes, 1)))


def combine(vector: np.ndarray, lexical: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """Weighted geometric mean of two experts' probabilities [n, C], summing to 1.

    Args:
        vector: Of the head over vectors; returned untouched where its share is whole.
        lexical: Of the head over title terms.
        share: Of `lexical`, 0..1, one for all or one a row [n].
    """
    shares = np.broadcast_to(np.asarray(share, dtype=np.float32), len(vector))[:, None]
    logs = (1 - shares) * np.log(np.maximum(vector, FLOOR)) + shares * np.log(np.maximum(lexical, FLOOR))
    mixed = np.exp(logs - logs.max(axis=1, keepdims=True))
    mixed /= mixed.sum(axis=1, keepdims=True)
    return np.where(shares == 0, vector, np.where(shares == 1, lexical, mixed))


def choose_share(vector: np.ndarray, lexical: np.ndarray, codes: np.ndarray) -> float:
    """The lexical expert's share with the least log loss over validation rows.

    Neither expert has learned from these rows; they have only chosen when each was to stop.

    Args:
        vector: [n, C] of the head over vectors.
        lexical: [n, C].
        codes: True class [n]; -1 = unknown, left out.

    Returns:
        One of `SHARES`, the smaller of equals; `DEFAULT_SHARE` without a row.
    """
    known = np.flatnonzero(codes >= 0)
    if not len(known):
        return DEFAULT_SHARE
    true = codes[known]
    losses = [
        -np.mean(np.log(np.maximum(mixed[np.arange(len(true)), true], FLOOR)))
        for mixed in (combine(vector[known], lexical[known], share) for share in SHARES.tolist())
    ]
    return round(float(SHARES[int(np.argmin(losses))]), 2)


def _counts(titles: Sequence[str | None]) -> list[sparse.csr_matrix]:
    """Counts [N, NUM_BUCKETS] of each half's terms."""
    from sklearn.feature_extraction.text import HashingVectorizer

    if not len(titles):
        return [sparse.csr_matrix((0, NUM_BUCKETS), dtype=np.float32) for _ in HALVES]
    texts = [title or "" for title in titles]
    return [
        HashingVectorizer(
            n_features=NUM_BUCKETS, alternate_sign=False, norm=None, lowercase=True, dtype=np.float32, **half
        ).transform(texts)
        for half in HALVES
    ]
