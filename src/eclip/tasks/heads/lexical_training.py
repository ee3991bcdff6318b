"""Fit softmax heads over title terms: every head in one run over one sparse matrix.

A step touches only the terms of its batch. Each (term, head) has a learning rate of its own that falls with
its gradients so far (Adagrad: Duchi et al., 2011, by blocks), so that rare words learn fast, and all heads
of fashion take seconds where one-vs-rest SGD took a minute, with better probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from eclip.progress import Advance, stage
from eclip.tasks.heads.linear import Head, LinearHeads, Target
from eclip.tasks.heads.softmax import softmax
from eclip.tasks.heads.training import class_weights, log_prior, log_weights

LEARNING_RATE = 0.7  # length of a term's first step; falls to 0 in a line
MIN_BATCH, MAX_BATCH = 16, 64  # a 64th of the rows between these
MIN_EPOCHS, MAX_EPOCHS = 8, 30  # fewer are enough for accuracy, not for rare classes
ROWS_SEEN = 120_000  # what decides between them: small stores take more epochs


def fit_lexical(
    matrix: sparse.csr_matrix,
    targets: Sequence[Target],
    *,
    train_rows: np.ndarray,
    validation_rows: np.ndarray,
    seed: int,
    name: str = "Fitting lexical heads",
) -> LinearHeads:
    """Fit one multinomial logistic head a target over title terms.

    Args:
        matrix: Features [N, V] of `TitleTerms`.
        targets: At least one.
        train_rows: Positions of the rows to learn from.
        validation_rows: Positions of the rows that choose each head's epoch; without one, the last.
        seed: Of the order of rows.
        name: Of the stage, for the progress bar.
    """
    epochs = int(np.clip(ROWS_SEEN // max(len(train_rows), 1), MIN_EPOCHS, MAX_EPOCHS))
    run = _Run(matrix, targets, train_rows, validation_rows)
    with stage(name, epochs * len(train_rows)) as advance:
        run.fit(epochs, np.random.default_rng(seed), advance)
    return run.heads()


class _Run:
    """One optimisation; the classes of all heads stand side by side in one weight matrix [V, C]."""

    def __init__(
        self, matrix: sparse.csr_matrix, targets: Sequence[Target], train_rows: np.ndarray, held_rows: np.ndarray
    ) -> None:
        self.targets = targets
        self.train, self.held = matrix[train_rows], matrix[held_rows]
        self.train_codes = [target.codes[train_rows] for target in targets]
        self.held_codes = [target.codes[held_rows] for target in targets]
        self.class_weights = [class_weights(t, codes) for t, codes in zip(targets, self.train_codes, strict=True)]
        self.widths = np.array([len(target.labels) for target in targets], dtype=np.int64)
        ends = np.cumsum(self.widths)
        self.starts = ends - self.widths
        self.columns = [slice(int(s), int(e)) for s, e in zip(self.starts, ends, strict=True)]
        priors = [log_prior(t, codes) for t, codes in zip(targets, self.train_codes, strict=True)]
        self.bias = np.concatenate(priors).astype(np.float32)
        self.weight = np.zeros((matrix.shape[1], int(ends[-1])), np.float32)
        self.gradients = np.full((matrix.shape[1], len(targets)), 1e-8, np.float32)  # summed squares so far
        self.best_loss = np.full(len(targets), np.inf)
        self.best = [self.weight[:, columns].T.copy() for columns in self.columns]

    def fit(self, epochs: int, shuffled: np.random.Generator, advance: Advance) -> None:
        num_rows = self.train.shape[0]
        seen, total = 0, epochs * num_rows
        batch_size = int(np.clip(num_rows // 64, MIN_BATCH, MAX_BATCH))
        for _ in range(epochs):
            order = shuffled.permutation(num_rows)
            for start in range(0, num_rows, batch_size):
                batch = order[start : start + batch_size]
                self._step(batch, LEARNING_RATE * (1 - seen / total))
                seen += len(batch)
                advance(len(batch))
            self._keep_better()

    def _step(self, batch: np.ndarray, rate: float) -> None:
        rows = self.train[batch]
        terms, places = np.unique(rows.indices, return_inverse=True)
        rows = sparse.csr_matrix((rows.data, places, rows.indptr), shape=(len(batch), len(terms)))
        weight = self.weight[terms]
        slopes = rows @ weight + self.bias  # logits, turned into the loss's slopes head by head
        for i, columns in enumerate(self.columns):
            codes = self.train_codes[i][batch]
            known = np.flatnonzero(codes >= 0)
            slope = softmax(slopes[:, columns])  # in the memory of `slopes`
            slope[known, codes[known]] -= 1
            slope[codes < 0] = 0
            each = self.class_weights[i]
            if each is not None:
                slope *= each[codes][:, None]
        gradient = rows.T @ slopes
        self.gradients[terms] += np.add.reduceat(gradient * gradient, self.starts, axis=1)
        steps = rate / np.sqrt(self.gradients[terms])
        self.weight[terms] = weight - np.repeat(steps, self.widths, axis=1) * gradient

    def _keep_better(self) -> None:
        """Keep the weights of each head whose validation loss has fallen, or that has no row to tell."""
        logits = self.held @ self.weight + self.bias
        for i, columns in enumerate(self.columns):
            codes = self.held_codes[i]
            known = np.flatnonzero(codes >= 0)
            chances = softmax(logits[known, columns])[np.arange(len(known)), codes[known]]
            each = self.class_weights[i]
            weights = None if each is None else each[codes[known]]
            loss = -np.average(np.log(np.maximum(chances, 1e-12)), weights=weights) if len(known) else -np.inf
            if loss < self.best_loss[i] or not len(known):
                self.best_loss[i] = loss
                self.best[i] = self.weight[:, columns].T.copy()

    def heads(self) -> LinearHeads:
        """The best weights of each head."""
        return LinearHeads(
            {
                target.name: Head(
                    labels=target.labels,
                    weight=weight,
                    bias=self.bias[columns] - log_weights(class_weights(target, codes)),
                )
                for target, weight, columns, codes in zip(
                    self.targets, self.best, self.columns, self.train_codes, strict=True
                )
            }
        )
