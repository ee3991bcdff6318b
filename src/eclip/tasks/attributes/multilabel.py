"""Yes-or-no heads: one sigmoid a value, for attributes of which a listing may have several values.

All heads are fitted in one run over one feature matrix, as softmax heads are; what is fitted is kept as
`LinearHeads` and read here through sigmoids. Vectors are learned from with AdamW under several weight decays at
once; title terms, which are sparse, with Adagrad, whose step touches only the terms of its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from eclip.progress import stage
from eclip.tasks.attributes.targets import SeveralTarget
from eclip.tasks.heads.linear import AnyHead, Head, LinearHeads
from eclip.tasks.heads.training import MAX_EPOCHS, MIN_EPOCHS, ROWS_SEEN, WEIGHT_DECAYS, standard_scale, with_held_out

DENSE_RATE, SPARSE_RATE = 1e-2, 0.3
MIN_BATCH, MAX_BATCH = 32, 256  # a sixteenth of the rows between these


def mark_logits(head: AnyHead, matrix: np.ndarray | sparse.csr_matrix) -> np.ndarray:
    """Logits [n, C] of "the listing has this value", each on its own, for features [n, F]."""
    assert isinstance(head, Head)
    return np.asarray(matrix @ head.weight.T + head.bias)


def fit_marks(
    matrix: np.ndarray | sparse.csr_matrix,
    targets: Sequence[SeveralTarget],
    *,
    train_rows: np.ndarray,
    validation_rows: np.ndarray,
    seed: int,
    name: str,
) -> LinearHeads:
    """Fit one sigmoid a value of every target, with binary cross-entropy over the rows that have the attribute.

    Args:
        matrix: Features [N, F], dense without NaN, or sparse.
        targets: At least one.
        train_rows: Positions of the rows to learn from.
        validation_rows: Positions of the rows that choose decay and epoch of each attribute; empty = a share of the
            train rows is held out for it.
        seed: Of the order of batches and the hold-out.
        name: Of the stage, for the progress bar.
    """
    shuffled = np.random.default_rng(seed)
    train_rows, validation_rows = with_held_out(train_rows, validation_rows, shuffled)
    mean, scale = np.zeros(1, np.float32), np.ones(1, np.float32)
    if not sparse.issparse(matrix):
        mean, scale = standard_scale(matrix[train_rows])
    run = _Run(targets, _Rows((matrix, train_rows, mean, scale)), _Rows((matrix, validation_rows, mean, scale)))
    epochs = int(np.clip(ROWS_SEEN // max(len(train_rows), 1), MIN_EPOCHS, MAX_EPOCHS))
    with stage(name, epochs * len(train_rows)) as advance:
        run.fit(epochs, shuffled, advance)
    return run.heads(mean, scale)


class _Rows:
    """Standardised features of some rows, whose product with weights [F, C] torch can differentiate."""

    def __init__(self, taken: tuple[Any, np.ndarray, np.ndarray, np.ndarray]) -> None:
        matrix, self.rows, mean, scale = taken
        self.is_sparse = sparse.issparse(matrix)
        self.width = matrix.shape[1]
        some = matrix[self.rows]
        self.features = some if self.is_sparse else ((some - mean) * scale).astype(np.float32)

    def __len__(self) -> int:
        return len(self.rows)

    def product(self, batch: np.ndarray, weight: Any) -> Any:
        """Features of a batch of these rows, times weight: [b, F] x [F, C] -> [b, C]."""
        import torch
        from torch.nn import functional

        some = self.features[batch]
        if not self.is_sparse:
            return torch.from_numpy(some) @ weight
        return functional.embedding_bag(
            torch.from_numpy(some.indices.astype(np.int64)),
            weight,
            torch.from_numpy(some.indptr[:-1].astype(np.int64)),
            mode="sum",
            sparse=True,
            per_sample_weights=torch.from_numpy(some.data.astype(np.float32)),
        )


class _Run:
    """One optimisation of all sigmoids, under each weight decay; values of all targets stand side by side."""

    def __init__(self, targets: Sequence[SeveralTarget], train: _Rows, held: _Rows) -> None:
        import torch

        self.targets, self.train, self.held = targets, train, held
        ends = np.cumsum([len(target.labels) for target in targets])
        self.columns = [slice(int(e) - len(t.labels), int(e)) for e, t in zip(ends, targets, strict=True)]
        self.train_truth, self.held_truth = self._truth(train.rows), self._truth(held.rows)
        marks, known = self.train_truth
        # Where biases start: how frequent each value is.
        share = ((marks * known).sum(axis=0) + 0.5) / (known.sum(axis=0) + 1)
        prior = np.log(share / (1 - share)).astype(np.float32)
        self.decays: tuple[float, ...] = (0.0,) if train.is_sparse else WEIGHT_DECAYS
        self.weights = [torch.zeros(train.width, int(ends[-1]), requires_grad=True) for _ in self.decays]
        self.biases = [torch.from_numpy(prior.copy()).requires_grad_() for _ in self.decays]
        self.best_loss = np.full(len(targets), np.inf)
        self.best = [
            (np.zeros((len(t.labels), train.width), np.float32), prior[c])
            for t, c in zip(targets, self.columns, strict=True)
        ]

    def _truth(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Marks [n, C] and whether they are known [n, C], of all targets, as float32."""
        marks = np.concatenate([target.marks[rows] for target in self.targets], axis=1)
        widths = [len(target.labels) for target in self.targets]
        known = np.repeat(np.stack([target.known[rows] for target in self.targets], axis=1), widths, axis=1)
        return marks.astype(np.float32), known.astype(np.float32)

    def fit(self, epochs: int, shuffled: np.random.Generator, advance: Callable[[int], None]) -> None:
        batch_size = int(np.clip(len(self.train) // 16, MIN_BATCH, MAX_BATCH))
        optimizers = self._optimizers()
        steps, step = epochs * -(-len(self.train) // batch_size), 0
        for _ in range(epochs):
            order = shuffled.permutation(len(self.train))
            for start in range(0, len(order), batch_size):
                batch = order[start : start + batch_size]
                for optimizer in optimizers:
                    optimizer.zero_grad(set_to_none=True)
                    for group in optimizer.param_groups:
                        group["lr"] = group["first_lr"] * (1 - step / steps)
                self._losses(self.train, batch, self.train_truth).sum().backward()
                for optimizer in optimizers:
                    optimizer.step()
                step += 1
                advance(len(batch))
            self._keep_better()

    def _optimizers(self) -> list[Any]:
        import torch

        if self.train.is_sparse:
            torch.sparse.check_sparse_tensor_invariants.disable()  # its default, which Adagrad warns of when unsaid
            groups = [{"params": [*self.weights, *self.biases], "first_lr": SPARSE_RATE}]
            return [torch.optim.Adagrad(groups, lr=SPARSE_RATE)]
        groups = [
            {"params": [weight], "weight_decay": decay, "first_lr": DENSE_RATE}
            for weight, decay in zip(self.weights, self.decays, strict=True)
        ]
        groups.append({"params": self.biases, "weight_decay": 0.0, "first_lr": DENSE_RATE})
        return [torch.optim.AdamW(groups, lr=DENSE_RATE, betas=(0.9, 0.99))]

    def _losses(self, rows: _Rows, batch: np.ndarray, truth: tuple[np.ndarray, np.ndarray]) -> Any:
        """Cross-entropy [decays, targets], summed over values, mean over the rows that have the attribute."""
        import torch
        from torch.nn import functional

        marks, known = (torch.from_numpy(each[batch]) for each in truth)
        losses = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            logits = rows.product(batch, weight) + bias
            each = functional.binary_cross_entropy_with_logits(logits, marks, reduction="none") * known
            losses += [each[:, c].sum() / known[:, c.start].sum().clamp(min=1) for c in self.columns]
        return torch.stack(losses).reshape(len(self.weights), -1)

    def _keep_better(self) -> None:
        """Keep the state of each target whose validation loss has fallen, or that has no row to tell."""
        import torch

        with torch.no_grad():
            losses = self._losses(self.held, np.arange(len(self.held)), self.held_truth).numpy()
        for i, columns in enumerate(self.columns):
            told = self.held_truth[1][:, columns.start].any()
            decay = int(losses[:, i].argmin())
            if told and losses[decay, i] >= self.best_loss[i]:
                continue
            self.best_loss[i] = losses[decay, i]
            weight, bias = self.weights[decay].detach(), self.biases[decay].detach()
            self.best[i] = (weight[:, columns].T.numpy().copy(), bias[columns].numpy().copy())

    def heads(self, mean: np.ndarray, scale: np.ndarray) -> LinearHeads:
        """The best heads over raw features: W' = W * scale, b' = b - W' mean."""
        folded: dict[str, AnyHead] = {}
        for target, (weight, bias) in zip(self.targets, self.best, strict=True):
            raw = weight * scale
            shifted = bias if self.train.is_sparse else bias - raw @ mean
            folded[target.name] = Head(
                labels=target.labels, weight=raw.astype(np.float32), bias=shifted.astype(np.float32)
            )
        return LinearHeads(folded)
