"""Fit many heads over one feature matrix in one run.

Heads share the pass over the features: their logits stand side by side in one matrix product, which is
many times faster than one solver a head. Several strengths of weight decay, and a hidden layer where it is asked
for, run at once in the same way, and each head keeps, of all of them and all epochs, the state with the least
validation loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from eclip.progress import stage
from eclip.tasks.heads.linear import HeadKind, LinearHeads, Target

if TYPE_CHECKING:
    from eclip.tasks.heads.networks import Network, State

WEIGHT_DECAYS = (0.03, 0.3)  # decoupled (AdamW), times the learning rate at each step
LEARNING_RATE = 1e-2
MIN_BATCH, MAX_BATCH = 64, 256  # an eighth of the rows between these: few rows still make many steps
MIN_EPOCHS, MAX_EPOCHS = 15, 60
ROWS_SEEN = 150_000  # what decides between them: small stores take more epochs
SHORT_STEP = 30_000_000  # multiplications; below it handing work to a second thread costs more than it saves
PATIENCE = 3  # epochs without any head improving before the run ends
MIN_TRAIN_ROWS = 20  # with a modality, below which no head is fitted on it
HOLDOUT_SHARE = 0.1  # of the training rows, where there is no validation row


def fit_heads(
    matrix: np.ndarray,
    targets: Sequence[Target],
    *,
    train_rows: np.ndarray,
    validation_rows: np.ndarray,
    seed: int,
    kinds: Sequence[HeadKind] = ("linear",),
    name: str = "Fitting heads",
) -> LinearHeads:
    """Fit one multinomial head a target.

    Args:
        matrix: Features [N, F] without NaN.
        targets: At least one; each has at least two classes among the training rows.
        train_rows: Positions of the rows to learn from.
        validation_rows: Positions of the rows that choose decay and epoch; empty = a share of the training
            rows is held out for it.
        seed: Of the order of batches, the hold-out and hidden layers.
        kinds: What each head may become; of several, what has the least validation loss.
        name: Of the stage, for the progress bar.
    """
    import torch

    shuffled = np.random.default_rng(seed)
    train_rows, validation_rows = with_held_out(train_rows, validation_rows, shuffled)
    mean, scale = standard_scale(matrix[train_rows])
    train = torch.from_numpy((matrix[train_rows] - mean) * scale).float()
    held = torch.from_numpy((matrix[validation_rows] - mean) * scale).float()
    run = _Run(targets, train, held, train_rows, validation_rows, kinds=kinds, seed=seed)
    epochs = int(np.clip(ROWS_SEEN // len(train_rows), MIN_EPOCHS, MAX_EPOCHS))
    with stage(name, epochs * len(train_rows)) as advance, _threads_for(run.step_size):
        run.fit(epochs, shuffled, advance)
    return run.heads(mean, scale)


def with_held_out(
    train_rows: np.ndarray, validation_rows: np.ndarray, shuffled: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The same rows; where none is there to choose by, a share of the train rows is held out for it."""
    if len(validation_rows):
        return train_rows, validation_rows
    train_rows = shuffled.permutation(train_rows)
    held_out = max(1, round(HOLDOUT_SHARE * len(train_rows)))
    return train_rows[held_out:], train_rows[:held_out]


def standard_scale(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [F] of features [n, F] and the factor [F] that gives them unit variance.

    A feature that hardly varies says nothing; blown up to unit variance it would be noise.
    """
    spread = matrix.std(axis=0)
    return matrix.mean(axis=0), 1 / np.maximum(spread, max(1e-5 * float(spread.max()), 1e-9))


@contextmanager
def _threads_for(step_size: int) -> Iterator[None]:
    """One thread for short steps: waking a second one many times a step made small stores' heads several times slower.

    Args:
        step_size: Multiplications of one step's forward pass.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1 if step_size < SHORT_STEP else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Run:
    """One optimisation of all heads in all networks; blocks of columns are (network, head)."""

    def __init__(
        self,
        targets: Sequence[Target],
        train: Any,
        held: Any,
        train_rows: np.ndarray,
        held_rows: np.ndarray,
        *,
        kinds: Sequence[HeadKind],
        seed: int,
    ) -> None:
        import torch

        self.targets, self.train, self.held = targets, train, held
        self.batch_size = int(np.clip(len(train) // 8, MIN_BATCH, MAX_BATCH))
        codes = np.stack([target.codes for target in targets]).astype(np.int64)
        self.train_codes = torch.from_numpy(codes[:, train_rows])
        self.held_codes = torch.from_numpy(codes[:, held_rows])
        weights = [class_weights(t, codes[i, train_rows]) for i, t in enumerate(targets)]
        self.class_weights = [None if each is None else torch.from_numpy(each) for each in weights]
        self.shifts = [log_weights(each) for each in weights]
        widths = [len(target.labels) for target in targets]
        ends = np.cumsum(widths)
        self.columns = [slice(int(e) - w, int(e)) for e, w in zip(ends, widths, strict=True)]
        prior = np.concatenate([log_prior(t, codes[i, train_rows]) for i, t in enumerate(targets)])
        self.networks = _networks(kinds, train.shape[1], prior, seed=seed)
        self.best_loss = np.full(len(targets), np.inf)
        self.best: list[State] = self._states(len(self.networks) // 2)

    @property
    def step_size(self) -> int:
        """Multiplications of one step's forward pass."""
        groups = [group for network in self.networks for group in network.groups()]
        return self.batch_size * sum(each.numel() for group in groups for each in group["params"])

    def fit(self, epochs: int, shuffled: np.random.Generator, advance: Any) -> None:
        import torch

        groups = [group for network in self.networks for group in network.groups()]
        optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.99))
        steps = epochs * -(-len(self.train) // self.batch_size)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        since_better = 0
        for _ in range(epochs):
            order = torch.from_numpy(shuffled.permutation(len(self.train)))
            for batch in order.split(self.batch_size):
                optimizer.zero_grad(set_to_none=True)
                self._losses(self.train[batch], self.train_codes[:, batch], training=True).sum().backward()
                optimizer.step()
                schedule.step()
                advance(len(batch))
            since_better = 0 if self._keep_better() else since_better + 1
            if since_better >= PATIENCE:
                break

    def _losses(self, rows: Any, codes: Any, *, training: bool) -> Any:
        """Mean cross-entropy of each (network, head) over the rows that have its label."""
        import torch
        from torch.nn import functional

        losses = []
        for network in self.networks:
            logits = network.logits(rows, training=training)
            for i, columns in enumerate(self.columns):
                total = functional.cross_entropy(
                    logits[:, columns],
                    codes[i],
                    weight=self.class_weights[i],
                    ignore_index=-1,
                    reduction="sum",
                )
                # By rows, not by the sum of their weights: a batch without the rare class stays small.
                losses.append(total / (codes[i] >= 0).sum().clamp(min=1))
        return torch.stack(losses)

    def _states(self, number: int) -> list[State]:
        """All heads as one network has them now."""
        network = self.networks[number]
        state = network.state()
        return [network.head_state(state, columns) for columns in self.columns]

    def _keep_better(self) -> bool:
        """Keep the state of each head whose validation loss has fallen; say whether any has."""
        import torch

        with torch.no_grad():
            losses = self._losses(self.held, self.held_codes, training=False).reshape(len(self.networks), -1).numpy()
        labelled = (self.held_codes >= 0).any(dim=1).numpy()
        now: dict[int, list[State]] = {}
        better = False
        for i in range(len(self.targets)):
            number = int(losses[:, i].argmin()) if labelled[i] else len(self.networks) // 2
            loss = float(losses[number, i])
            # Without a labelled row to choose by, the last state is kept.
            if labelled[i] and loss >= self.best_loss[i] * (1 - 1e-4):
                continue
            if number not in now:
                now[number] = self._states(number)
            self.best_loss[i], self.best[i] = loss, now[number][i]
            better = True
        return better

    def heads(self, mean: np.ndarray, scale: np.ndarray) -> LinearHeads:
        """The best heads over raw features."""
        return LinearHeads(
            {
                target.name: state.head(target.labels, shift, mean, scale)
                for target, state, shift in zip(self.targets, self.best, self.shifts, strict=True)
            }
        )


def _networks(kinds: Sequence[HeadKind], num_features: int, prior: np.ndarray, *, seed: int) -> list[Network]:
    from eclip.tasks.heads.networks import HiddenNetwork, LinearNetwork

    found: list[Network] = []
    if "linear" in kinds:
        found += [LinearNetwork(num_features, prior, weight_decay=decay) for decay in WEIGHT_DECAYS]
    if "mlp" in kinds:
        found.append(HiddenNetwork(num_features, prior, seed=seed))
    return found


def named_targets(targets: dict[str, list[Target]], train_rows: np.ndarray) -> list[Target]:
    """Targets of all tasks with two classes or more in these rows, for one run.

    Attributes may share a name with another task, so targets carry their task's while they are fitted.
    """
    return [
        replace(target, name=f"{task}:{target.name}")
        for task, group in targets.items()
        for target in group
        if len(np.unique(target.codes[train_rows][target.codes[train_rows] >= 0])) >= 2
    ]


def heads_by_task(heads: LinearHeads) -> dict[str, LinearHeads]:
    """Heads of `named_targets` under their tasks, by their own names."""
    found: dict[str, LinearHeads] = {}
    for full_name, head in heads.heads.items():
        task, name = full_name.split(":", 1)
        found.setdefault(task, LinearHeads({})).heads[name] = head
    return found


def log_prior(target: Target, codes: np.ndarray) -> np.ndarray:
    """Where biases start: what is known without features."""
    if target.balanced:
        return np.zeros(len(target.labels))
    counts = np.bincount(codes[codes >= 0], minlength=len(target.labels)) + 0.5
    return np.log(counts / counts.sum())


def log_weights(weights: np.ndarray | None) -> np.ndarray | float:
    """What a head's biases are raised by when classes weigh [C] in its training.

    A weighted softmax answers with w_c p(c|x), up to its sum; taken off again, answers are probabilities in a
    world where rare classes are rare.
    """
    return 0.0 if weights is None else np.log(weights)


def class_weights(target: Target, codes: np.ndarray) -> np.ndarray | None:
    """Weight [C] float32 of each class in the loss, mean 1 over rows; None = every row counts alike."""
    if not target.balanced:
        return None
    counts = np.maximum(np.bincount(codes[codes >= 0], minlength=len(target.labels)), 1)
    return (counts.sum() / (len(counts) * counts)).astype(np.float32)
