"""One step of training: a batch in, all parameters moved."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from eclip.model.encoder import Encoder
from eclip.train.accumulate import StreamGradients, TowerInputs, accumulate
from eclip.train.batches import Batch
from eclip.train.config import TrainConfig
from eclip.train.contrast import add_bias_gradient, contrast_gradients
from eclip.train.optimizer import make_optimizer, set_learning_rate
from eclip.train.ranks import Ranks
from eclip.train.shortcuts import Shortcuts
from eclip.train.statistics import freeze_batch_statistics
from eclip.train.targets import Targets
from eclip.train.viewloss import loss_of_views

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
        several = len(self.config.views.weights) > 1
        terms = {f"{name}_above_floor": value.item() for name, value in found.above_floor.items() if several}
        return {
            "loss": found.loss.item(),
            "floor": found.floor.item(),
            "skipped": float(skipped),
            "loss_above_floor": (found.loss - found.floor).item(),
            **terms,
            "batch_size": len(batch) * self.ranks.world_size,
            "false_negative_share": targets.false_negative_share,
            "logit_scale": module.logit_scale.exp().item(),
            "grad_norm": grad_norm.item(),
            "lr_factor": lr_factor,
        }

    def fill_gradients(self, batch: Batch, targets: Targets) -> StreamGradients:
        """Add the gradients of the batch's loss to those of all parameters."""
        scale, memory = self.encoder.module.logit_scale, self.config.memory
        with self.shortcuts.taken():
            found = accumulate(
                self._streams(batch),
                lambda features: self._loss(features, batch, targets),
                parameters=self.encoder.module.parameters(),
                kept_bytes=memory.kept_graph_megabytes << 20,
            )
        self.ranks.add_up_gradients(self.encoder.module.parameters())
        self._add_scale_gradient(scale, found)
        add_bias_gradient(self.encoder.module, found.logit_bias, loss=self.config.targets.loss)
        return found

    def _streams(self, batch: Batch) -> dict[str, TowerInputs]:
        """What goes through the towers; only what some term looks at.

        Titles come first, as the budget for kept graphs is spent in this order: a graph of titles saves about five
        times the time of one of pictures that takes as much memory.
        """
        views, streams = self.config.views, {}
        if views.need_titles:
            streams["text"] = self._titles(batch.tokens)
        if batch.mate_titles is not None:
            streams["mate_text"] = self._titles(batch.mate_titles.inputs)
        if views.need_pictures:
            streams["image"] = self._pictures(batch.pixels)
        if batch.mate_pictures is not None:
            streams["mate_image"] = self._pictures(batch.mate_pictures.inputs)
        return {name: stream for name, stream in streams.items() if len(stream.inputs)}

    def _pictures(self, pixels: torch.Tensor) -> TowerInputs:
        return TowerInputs(
            tower=self.encoder.image_features,
            inputs=pixels.to(self.encoder.device),
            chunk_size=self.config.memory.chunk_size,
        )

    def _titles(self, tokens: torch.Tensor) -> TowerInputs:
        return TowerInputs(
            tower=self.encoder.text_features,
            inputs=tokens.to(self.encoder.device),
            chunk_size=self.config.memory.text_chunk_size,
            lengths=(tokens != self.encoder.pad_id).sum(dim=1),
        )

    def _add_scale_gradient(self, scale: nn.Parameter, found: StreamGradients) -> None:
        """The gradient of the scale's logarithm, once for the whole batch: every rank has all of it."""
        if scale.requires_grad:
            scale.grad = (found.logit_scale * scale.detach().exp()).to(scale.dtype).reshape(scale.shape)

    def _targets(self, batch: Batch) -> Targets:
        groups = self.ranks.gather(batch.groups.to(self.encoder.device))
        return Targets.of_groups(groups, self.config.targets)

    def _loss(self, features: dict[str, torch.Tensor], batch: Batch, targets: Targets) -> StreamGradients:
        return loss_of_views(
            features,
            batch,
            weights=self.config.views.weights,
            targets=targets,
            ranks=self.ranks,
            contrast=lambda gathered: contrast_gradients(gathered, self.encoder.module, loss=self.config.targets.loss),
        )
