"""One step of training: a batch in, all parameters moved."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from eclip.model.encoder import Encoder
from eclip.train.accumulate import TowerInputs, accumulate
from eclip.train.batches import Batch
from eclip.train.config import TrainConfig
from eclip.train.contrast import add_bias_gradient, contrast_gradients
from eclip.train.optimizer import make_optimizer, set_learning_rate
from eclip.train.ranks import Ranks
from eclip.train.shortcuts import Shortcuts
from eclip.train.statistics import freeze_batch_statistics
from eclip.train.targets import Targets
from eclip.train.tiles import Gathered, LossAndGradients

MAX_LOGIT_SCALE = math.log(100)


@dataclass(kw_only=True)
class TrainStep:
    """What moves the parameters.

    Attributes:
        encoder: The towers.
        config: The recipe.
        optimizer: Over the encoder's parameters.
        ranks: Who trains along.
        shortcuts: Through which layers.
    """

    encoder: Encoder
    config: TrainConfig
    optimizer: torch.optim.Optimizer
    ranks: Ranks
    shortcuts: Shortcuts = field(default_factory=Shortcuts)

    @classmethod
    def of(cls, encoder: Encoder, config: TrainConfig, ranks: Ranks) -> TrainStep:
        """A step with the recipe's optimiser; made before batches are, as finding short cuts disturbs other threads."""
        optimizer = make_optimizer(encoder.module, config.optimizer, pretrained_prefixes=encoder.pretrained_prefixes)
        shortcuts = Shortcuts.of(encoder.module) if config.memory.quick_layers else Shortcuts()
        return cls(encoder=encoder, config=config, optimizer=optimizer, ranks=ranks, shortcuts=shortcuts)

    def take(self, batch: Batch, *, number: int, lr_factor: float) -> dict[str, float]:
        """Move all parameters by one batch; none where its loss or a gradient is not finite, on any rank.

        Args:
            batch: Pairs of this rank.
            number: Of the step: decides what dropout draws, so that a resumed run draws the same.
            lr_factor: Share of the peak learning rates.

        Returns:
            Figures of the step, for the log.
        """
        module = self.encoder.module
        module.train()
        freeze_batch_statistics(module)
        torch.manual_seed(int(np.random.SeedSequence([self.config.seed, number, self.ranks.rank]).generate_state(1)[0]))
        set_learning_rate(self.optimizer, lr_factor)
        self.optimizer.zero_grad(set_to_none=True)
        targets = self._targets(batch)
        found = self.fill_gradients(batch, targets)
        grad_norm = nn.utils.clip_grad_norm_(module.parameters(), self.config.optimizer.max_grad_norm)
        skipped = self.ranks.any_of(flag=not bool(found.loss.isfinite() & grad_norm.isfinite()))
        if not skipped:
            self.optimizer.step()
        with torch.no_grad():
            module.logit_scale.clamp_(0, MAX_LOGIT_SCALE)
        return {
            "loss": found.loss.item(),
            "floor": found.floor.item(),
            "skipped": float(skipped),
            "loss_above_floor": (found.loss - found.floor).item(),
            "batch_size": len(batch) * self.ranks.world_size,
            "false_negative_share": targets.false_negative_share,
            "logit_scale": module.logit_scale.exp().item(),
            "grad_norm": grad_norm.item(),
            "lr_factor": lr_factor,
        }

    def fill_gradients(self, batch: Batch, targets: Targets) -> LossAndGradients:
        """Add the gradients of the batch's loss to those of all parameters."""
        scale, memory = self.encoder.module.logit_scale, self.config.memory
        image = TowerInputs(
            tower=self.encoder.image_features,
            inputs=batch.pixels.to(self.encoder.device),
            chunk_size=memory.chunk_size,
        )
        text = TowerInputs(
            tower=self.encoder.text_features,
            inputs=batch.tokens.to(self.encoder.device),
            chunk_size=memory.text_chunk_size,
            lengths=(batch.tokens != self.encoder.pad_id).sum(dim=1),
        )
        with self.shortcuts.taken():
            found = accumulate(
                image,
                text,
                lambda image, text: self._loss(image, text, batch, targets),
                parameters=self.encoder.module.parameters(),
                kept_bytes=memory.kept_graph_megabytes << 20,
            )
        self.ranks.add_up_gradients(self.encoder.module.parameters())
        self._add_scale_gradient(scale, found)
        add_bias_gradient(self.encoder.module, found, loss=self.config.targets.loss)
        return found

    def _add_scale_gradient(self, scale: nn.Parameter, found: LossAndGradients) -> None:
        """The gradient of the scale's logarithm, once for the whole batch: every rank has all of it."""
        if scale.requires_grad:
            scale.grad = (found.logit_scale * scale.detach().exp()).to(scale.dtype).reshape(scale.shape)

    def _targets(self, batch: Batch) -> Targets:
        groups = self.ranks.gather(batch.groups.to(self.encoder.device))
        return Targets.of_groups(groups, self.config.targets)

    def _loss(self, image: torch.Tensor, text: torch.Tensor, batch: Batch, targets: Targets) -> LossAndGradients:
        gathered = Gathered(
            image=self.ranks.gather(image),
            text=self.ranks.gather(text),
            weights=self.ranks.gather(batch.weights.to(image)),
            targets=targets,
            ranks=self.ranks,
        )
        return contrast_gradients(gathered, self.encoder.module, loss=self.config.targets.loss)
