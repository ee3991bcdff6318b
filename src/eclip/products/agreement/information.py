"""How much a picture tells about the words under it, learned from other listings only.

Pictures and words are taken for two views of one product, jointly Gaussian. Canonical correlation analysis finds
the directions u of pictures and v of words that go together, with correlations r (Hotelling, 1936); under that
model the log ratio of how probable a picture and some words are together to how probable they are each for
themselves, their pointwise mutual information, is a sum over directions:

    log p(u, v) / p(u) p(v) = -1/2 log(1 - r^2) - (r^2 (u^2 + v^2) - 2 r u v) / (2 (1 - r^2))

It is learned on some folds of the listings and taken on another (cross-fitting), and a fold holds whole loss groups:
neither a wrong pair nor its copies ever speak for themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NUM_FOLDS = 5
NUM_DIRECTIONS = 40
SHRINKAGE = 1.0  # mean variances added to each covariance: few listings, many directions
STRANGERS = 4  # other listings' pictures that the words of each are compared with
_MAX_CORRELATION = 0.995
_BLOCK_ROWS = 1 << 15  # in float64 at a time: the vectors of a million listings are gigabytes already


@dataclass(frozen=True)
class Canonical:
    """Directions that go together.

    Attributes:
        picture_mean: [D].
        pictures: [D, K].
        words_mean: [T].
        words: [T, K].
        correlations: [K], descending.
    """

    picture_mean: np.ndarray
    pictures: np.ndarray
    words_mean: np.ndarray
    words: np.ndarray
    correlations: np.ndarray

    @classmethod
    def fit(cls, pictures: np.ndarray, words: np.ndarray) -> Canonical:
        """Canonical correlation analysis of [N, D] and [N, T], with covariances shrunk towards equal variances."""
        means = pictures.mean(axis=0, dtype=np.float64), words.mean(axis=0, dtype=np.float64)
        of_pictures, across, of_words = _covariances(pictures, words, *means)
        whiten_one, whiten_two = _whitening(of_pictures), _whitening(of_words)
        left, correlations, right = np.linalg.svd(whiten_one @ across @ whiten_two)
        num = min(NUM_DIRECTIONS, len(correlations))
        return cls(
            means[0],
            whiten_one @ left[:, :num],
            means[1],
            whiten_two @ right[:num].T,
            np.clip(correlations[:num], 0, _MAX_CORRELATION),
        )

    def of_pictures(self, pictures: np.ndarray) -> np.ndarray:
        """[N, D] -> u [N, K]."""
        return (pictures - self.picture_mean) @ self.pictures

    def of_words(self, words: np.ndarray) -> np.ndarray:
        """[N, T] -> v [N, K]."""
        return (words - self.words_mean) @ self.words

    def information(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Pointwise mutual information [N] in nats of u [N, K] with v [N, K]."""
        r = self.correlations
        left_over = 1 - r**2
        each = (r**2 * (u**2 + v**2) - 2 * r * u * v) / (2 * left_over)
        return -(0.5 * np.log(left_over) + each).sum(axis=1)


def cross_fitted_information(
    pictures: np.ndarray, words: np.ndarray, groups: np.ndarray, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """What the picture of each listing tells about its words, and what strangers' pictures tell about them.

    Args:
        pictures: [N, D], of any scale.
        words: [N, T].
        groups: [N] loss groups; members of one are never learned from for each other, nor strangers.
        seed: Of the folds and of the draw of strangers.

    Returns:
        Nats: of own pictures [N], and of strangers' [N, `STRANGERS`], NaN where the draw fell on its own group.
    """
    rng = np.random.default_rng(seed)
    folds = _folds(groups, rng)
    own = np.full(len(groups), np.nan)
    strange = np.full((len(groups), STRANGERS), np.nan)
    for fold in range(NUM_FOLDS):
        held = np.flatnonzero(folds == fold)
        others = folds != fold
        if not len(held) or others.sum() < 2:
            continue
        views = Canonical.fit(pictures[others], words[others])
        u, v = views.of_pictures(pictures[held]), views.of_words(words[held])
        own[held] = views.information(u, v)
        for column in range(STRANGERS):
            drawn = rng.permutation(len(held))
            told = views.information(u[drawn], v)
            strange[held, column] = np.where(groups[held] == groups[held[drawn]], np.nan, told)
    return own, strange


def _folds(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A fold [N] for each row, one for all members of a group; groups are dealt out evenly."""
    names, members = np.unique(groups, return_inverse=True)
    dealt = np.arange(len(names)) % NUM_FOLDS
    return rng.permutation(dealt)[members]


def _covariances(
    one: np.ndarray, two: np.ndarray, mean_one: np.ndarray, mean_two: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariances [D, D], [D, T], [T, T] of [N, D] and [N, T], in float64 for some rows at a time."""
    sums = [
        np.zeros((len(left), len(right))) for left, right in ((mean_one,) * 2, (mean_one, mean_two), (mean_two,) * 2)
    ]
    for start in range(0, len(one), _BLOCK_ROWS):
        left, right = one[start : start + _BLOCK_ROWS] - mean_one, two[start : start + _BLOCK_ROWS] - mean_two
        for total, product in zip(sums, (left.T @ left, left.T @ right, right.T @ right), strict=True):
            total += product
    of_one, across, of_two = (total / len(one) for total in sums)
    return of_one, across, of_two


def _whitening(covariance: np.ndarray) -> np.ndarray:
    """Inverse square root of a covariance [D, D] after shrinking."""
    size = len(covariance)
    shrunk = covariance + np.eye(size) * (SHRINKAGE * np.trace(covariance) / size + 1e-12)
    values, vectors = np.linalg.eigh(shrunk)
    return (vectors / np.sqrt(values)) @ vectors.T
