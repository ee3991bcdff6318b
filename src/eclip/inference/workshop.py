"""What makes the engines of one model: graphs, agreement with torch, and the inputs that both are measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from eclip.console import say
from eclip.errors import ConfigError, ModelError
from eclip.export.agreement import Agreement, agreement
from eclip.export.graphs import INPUT_NAMES, Modality, write_graph
from eclip.export.quantise import quantise_graph
from eclip.inference.backends import Backend
from eclip.inference.encoder import unit_rows
from eclip.inference.engines import Engine, OnnxEngine, OpenvinoEngine, TorchEngine
from eclip.inference.kept import KeptGraphs
from eclip.inference.pixels import stacked_pixels
from eclip.inference.sample import Sample, drawn_sample
from eclip.model.encoder import Encoder, open_picture

ROWS_CHECKED = 128
_CALIBRATION_BATCH = 16
MODALITIES: tuple[Modality, ...] = ("image", "text")
THINGS: dict[Modality, str] = {"image": "pictures", "text": "titles"}


class Workshop:
    """Makes the engines of one model, and what they are compared on.

    Args:
        encoder: The model.
        threads: Calls at once.
        sample: Products of the shop; None = made-up ones.
    """

    def __init__(self, encoder: Encoder, threads: int, sample: Sample | None) -> None:
        self.encoder, self.threads = encoder, threads
        self.sample = sample or drawn_sample()
        self.modalities: tuple[Modality, ...] = tuple(name for name in MODALITIES if name in encoder.modalities)
        self._inputs: dict[Modality, torch.Tensor] = {}
        self._reference: dict[Modality, np.ndarray] = {}

    @property
    def kept(self) -> KeptGraphs:
        """Where its graphs lie."""
        return KeptGraphs(self.encoder)

    def engine(self, modality: Modality, backend: Backend) -> Engine:
        """The engine of a tower; a graph that is not there yet is made first."""
        if backend.library == "torch":
            return TorchEngine(self.encoder, modality, backend)
        return self.engine_of(self.graph(modality, backend), backend)

    def engine_of(self, graph: Path, backend: Backend) -> Engine:
        """The engine of a graph that is there."""
        if backend.library == "onnxruntime":
            return OnnxEngine(graph)
        return OpenvinoEngine(graph, backend, self.threads)

    def graph(self, modality: Modality, backend: Backend) -> Path:
        """The graph that a backend runs, made if need be.

        Raises:
            ConfigError: An int8 graph is to be made, and there is nothing to calibrate it on.
        """
        kept = self.kept
        whole = kept.graph(modality, "float32")
        wanted = kept.graph(modality, backend.precision)
        if wanted.is_file():
            return wanted
        if backend.precision == "int8" and not self.sample.is_the_shops:
            raise ConfigError(
                f"--backend {backend.name}: int8 is calibrated on the shop's own pictures and titles, and none are "
                f"at hand; make its graphs once with `eclip embed STORE --model MODEL --backend {backend.name}`"
            )
        if not whole.is_file():
            say(f"making a graph of the {modality} tower, once (kept in {kept.folder})")
            kept.remove_older()
            write_graph(self.encoder, modality, whole)
        if backend.precision == "int8":
            self._quantise(modality, backend, whole, wanted)
        return wanted

    def _quantise(self, modality: Modality, backend: Backend, whole: Path, out: Path) -> None:
        """Calibrate on the sample's second half; the first, which agreement is measured on, is not looked at."""
        say(f"quantising the {modality} tower, once")
        batches = [{INPUT_NAMES[modality]: np.asarray(each)} for each in self._calibration(modality)]

        def agrees(graph: Path) -> bool:
            return self.agreement_of(modality, backend, self.engine_of(graph, backend)).holds

        quantise_graph(whole, out, batches, agrees)

    def _calibration(self, modality: Modality) -> Sequence[torch.Tensor]:
        half = max(1, len(self.sample.titles) // 2)
        part = replace(self.sample, titles=self.sample.titles[half:], images=self.sample.images[half:])
        return [each.contiguous() for each in self._tensor(modality, part).split(_CALIBRATION_BATCH)]

    def inputs(self, modality: Modality) -> torch.Tensor:
        """Pixels or tokens of the part of the sample that backends are compared on."""
        if modality not in self._inputs:
            half = max(1, min(ROWS_CHECKED, -(-len(self.sample.titles) // 2)))
            self._inputs[modality] = self._tensor(modality, self.sample.first(half))
        return self._inputs[modality]

    def _tensor(self, modality: Modality, sample: Sample) -> torch.Tensor:
        if modality == "image":
            opened = [picture for each in sample.images if (picture := open_picture(each)) is not None]
            if opened:
                return stacked_pixels(opened, self.encoder.transform)
            return self._tensor(modality, drawn_sample())
        titles = [title for title in sample.titles if title and title.strip()]
        return self.encoder.tokenize(titles) if titles else self._tensor(modality, drawn_sample())

    def batches(self, modality: Modality) -> list[torch.Tensor]:
        """The compared inputs as an encoder would give them: titles of like length together."""
        inputs = self.inputs(modality)
        if modality == "text":
            order = (inputs != self.encoder.pad_id).sum(dim=1).argsort(stable=True)
            return [self.encoder.trim(some) for some in inputs[order].split(32)]
        return list(inputs.split(32))

    def agreement_of(self, modality: Modality, backend: Backend, engine: Engine) -> Agreement:
        """How an engine's vectors of the sample compare with those of the model itself."""
        batches = self.batches(modality)
        if modality not in self._reference:
            tower = self.encoder.image_features if modality == "image" else self.encoder.text_features
            with torch.inference_mode():
                rows = [tower(batch.to(self.encoder.device)).cpu().numpy() for batch in batches]
            self._reference[modality] = np.concatenate(rows)
        found = unit_rows(np.concatenate([engine(batch) for batch in batches]))
        return agreement(self._reference[modality], found, is_float32=backend.precision == "float32")

    def require_agreement(self, modality: Modality, backend: Backend, engine: Engine) -> Agreement:
        """Refuse an engine that is not the model any more.

        Raises:
            ModelError: It does not agree with torch.
        """
        found = self.agreement_of(modality, backend, engine)
        if not found.holds:
            raise ModelError(
                f"--backend {backend.name}: vectors of {THINGS[modality]} do not agree with torch ({found}; expected "
                f"{found.demand}); use another backend, or auto"
            )
        return found
