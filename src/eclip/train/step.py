"""One step of training: a batch in, all parameters moved."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from eclip.model.encoder import Encoder
from eclip.train.accumulate import StreamGradients, Tower, TowerInputs, accumulate
from eclip.train.average import WeightAverage
from eclip.train.batches import Batch
from eclip.train.categories import CategoryHead, add_category_term
from eclip.train.config import TrainConfig
from eclip.train.contrast import add_bias_gradient, contrast_gradients
from eclip.train.freezing import freeze, learns
from eclip.train.optimizer import (
    group_steps,
    lay_out_state,
    make_optimizer,
    restore_group_steps,
    set_learning_rate,
)
from eclip.train.precision import Precision
from eclip.train.ranks import Ranks
from eclip.train.shortcuts import Shortcuts
from eclip.train.statistics import freeze_batch_statistics
from eclip.train.targets import Targets
from eclip.train.towermodes import checkpoint_activations, compile_towers
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
        precision: What the towers compute in.
        average: Of the weights over the steps; None where the last ones are wanted.
        shortcuts: Through which layers.
        category_head: What the term of the category goes through; None where it is off.
    """

    encoder: Encoder
    config: TrainConfig
    optimizer: torch.optim.Optimizer
    ranks: Ranks
    precision: Precision
    average: WeightAverage | None = None
    shortcuts: Shortcuts = field(default_factory=Shortcuts)
    category_head: CategoryHead | None = None

    @classmethod
    def of(cls, encoder: Encoder, config: TrainConfig, ranks: Ranks, *, num_categories: int = 0) -> TrainStep:
        """A step with the recipe's optimiser, over a model that is made ready for it.

        Made before batches are, as finding short cuts disturbs other threads.

        Args:
            encoder: The towers.
            config: The recipe.
            ranks: Who trains along.
            num_categories: That the towers learn, too; 0 = the term is off.
        """
        module, memory, decay = encoder.module, config.memory, config.optimizer.ema_decay
        freeze(module, config.optimizer.frozen)
        if memory.gradient_checkpointing:
            checkpoint_activations(module)
        # Short cuts are for layers as they are, in the precision of their weights.
        quick = memory.quick_layers and memory.autocast == "none" and not memory.compile
        step = cls(
            encoder=encoder,
            config=config,
            optimizer=make_optimizer(module, config.optimizer, pretrained_prefixes=encoder.pretrained_prefixes),
            ranks=ranks,
            precision=Precision(memory.autocast, encoder.device),
            average=None if decay is None else WeightAverage(module, decay),
            shortcuts=Shortcuts.of(module) if quick else Shortcuts(),
        )
        if num_categories:
            step.add_category_head(num_categories)
        if memory.compile:
            compile_towers(module)
        return step

    def add_category_head(self, num_categories: int) -> None:
        """Train a head for the category beside the towers, at the rate of layers that start from scratch."""
        scale, rate = self.encoder.module.logit_scale, self.config.optimizer.lr
        head = CategoryHead(self.encoder.embed_dim, num_categories).to(scale.device, scale.dtype)
        self.optimizer.add_param_group(
            {"params": list(head.parameters()), "lr": rate, "peak_lr": rate, "weight_decay": 0.0}
        )
        self.category_head = head

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
        learned = [*module.parameters(), *(self.category_head.parameters() if self.category_head else ())]
        grad_norm = nn.utils.clip_grad_norm_(learned, self.config.optimizer.max_grad_norm)
        skipped = self.ranks.any_of(flag=not bool(found.loss.isfinite() & grad_norm.isfinite()))
        if skipped:
            self.precision.lower_scale()
        else:
            self.precision.move(self.optimizer)
        with torch.no_grad():
            module.logit_scale.clamp_(0, MAX_LOGIT_SCALE)
        if self.average is not None and not skipped:
            self.average.update(module, step=number)
        several = len(self.config.views.weights) > 1 or self.category_head is not None
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
                lambda features: self._scaled(self._loss(features, batch, targets)),
                parameters=self.encoder.module.parameters(),
                kept_bytes=memory.kept_graph_megabytes << 20,
            )
        head_gradients = self._taken_head_gradients()
        self.ranks.add_up_gradients(self.encoder.module.parameters())
        self.precision.scaler.unscale_(self.optimizer)
        for parameter, gradient in head_gradients:
            parameter.grad = gradient
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
            tower=self._in_precision(self.encoder.image_features),
            inputs=pixels.to(self.encoder.device),
            chunk_size=self.config.memory.chunk_size,
            learns=learns(self.encoder.module.visual),
        )

    def _titles(self, tokens: torch.Tensor) -> TowerInputs:
        return TowerInputs(
            tower=self._in_precision(self.encoder.text_features),
            inputs=tokens.to(self.encoder.device),
            chunk_size=self.config.memory.text_chunk_size,
            lengths=(tokens != self.encoder.pad_id).sum(dim=1),
            learns=learns(self.encoder.module.text),
        )

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within it the model has the weights that count: their average, where there is one."""
        if self.average is None:
            yield
        else:
            with self.average.in_place_of(self.encoder.module):
                yield

    def settle(self) -> None:
        """Give the model for good the weights that count."""
        if self.average is not None:
            self.encoder.module.load_state_dict(self.average.tensors())

    def tensors(self) -> dict[str, torch.Tensor]:
        """What a checkpoint must hold beside the model and the optimiser's state of each parameter."""
        parts = {"precision": self.precision.tensors(), "steps": group_steps(self.optimizer)}
        if self.average is not None:
            parts["average"] = self.average.tensors()
        if self.category_head is not None:
            parts["category"] = self.category_head.state_dict()
        return {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from what a checkpoint held, once model and optimiser do."""
        parts: dict[str, dict[str, torch.Tensor]] = {"precision": {}, "steps": {}, "average": {}, "category": {}}
        for name, value in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = value
        self.precision.restore(parts["precision"])
        restore_group_steps(self.optimizer, parts["steps"])
        lay_out_state(self.optimizer)
        if self.average is not None:
            self.average.restore(parts["average"])
        if self.category_head is not None:
            self.category_head.load_state_dict(parts["category"])

    def _in_precision(self, tower: Tower) -> Tower:
        def features(inputs: torch.Tensor) -> torch.Tensor:
            with self.precision.autocast():
                return tower(inputs)

        return features

    def _scaled(self, found: StreamGradients) -> StreamGradients:
        """The same with gradients of features as they go back through the towers."""
        scale = self.precision.scaler.scale
        return dataclasses.replace(found, features={name: scale(each) for name, each in found.features.items()})

    def _add_scale_gradient(self, scale: nn.Parameter, found: StreamGradients) -> None:
        """The gradient of the scale's logarithm, once for the whole batch: every rank has all of it."""
        if scale.requires_grad:
            scale.grad = (found.logit_scale * scale.detach().exp()).to(scale.dtype).reshape(scale.shape)

    def _targets(self, batch: Batch) -> Targets:
        groups = self.ranks.gather(batch.groups.to(self.encoder.device))
        return Targets.of_groups(groups, self.config.targets)

    def _loss(self, features: dict[str, torch.Tensor], batch: Batch, targets: Targets) -> StreamGradients:
        found = loss_of_views(
            features,
            batch,
            weights=self.config.views.weights,
            targets=targets,
            ranks=self.ranks,
            contrast=lambda gathered: contrast_gradients(gathered, self.encoder.module, loss=self.config.targets.loss),
        )
        if self.category_head is None:
            return found
        weight = self.config.category.weight
        return add_category_term(found, features, batch, self.category_head, weight=weight, ranks=self.ranks)

    def _taken_head_gradients(self) -> list[tuple[nn.Parameter, torch.Tensor | None]]:
        """Gradients of the category head, away from its parameters: they are of no scaled loss and summed already."""
        if self.category_head is None:
            return []
        found = [(parameter, parameter.grad) for parameter in self.category_head.parameters()]
        for parameter, _ in found:
            parameter.grad = None
        return found
