"""A model folder to an encoder on the backend that was asked for; what does not agree with torch is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from eclip.errors import ConfigError
from eclip.inference.backends import BACKENDS, TORCH, named_backend
from eclip.inference.chunks import ChunkPool
from eclip.inference.encoder import FastEncoder
from eclip.inference.engines import TorchEngine
from eclip.inference.sample import Sample
from eclip.inference.trial import best_backends
from eclip.inference.workshop import MODALITIES, Workshop
from eclip.model.encoder import Encoder
from eclip.model.folder import load_model


def open_encoder(
    model: Path,
    *,
    backend: str = "auto",
    threads: int | None = None,
    sample: Sample | None = None,
    num_rows: int | None = None,
) -> FastEncoder:
    """A model folder, ready to encode. Arguments and errors are those of `fast_encoder`, and of `load_model`."""
    return fast_encoder(load_model(model), backend=backend, threads=threads, sample=sample, num_rows=num_rows)


def fast_encoder(
    encoder: Encoder,
    *,
    backend: str = "auto",
    threads: int | None = None,
    sample: Sample | None = None,
    num_rows: int | None = None,
) -> FastEncoder:
    """A model, ready to encode on a backend.

    Args:
        encoder: The model, saved; one that is not saved runs in torch only.
        backend: One of `BackendName`. "auto" takes for each tower what an earlier trial on this machine found; else
            makes that trial where so many listings are to come that it pays, and takes torch where not.
        threads: How many chunks at once; those that torch has by default.
        sample: Products of the shop. Backends are compared and timed on them, and int8 is calibrated on them; without
            them made-up ones have to do, which int8 can't be.
        num_rows: How many listings are to be encoded; None = not known.

    Raises:
        ConfigError: No such backend, or int8 without a sample to calibrate on.
        MissingExtraError: Its library is not installed.
        ModelError: The backend can't run the model, or does not agree with torch.
    """
    shop = Workshop(encoder, threads or torch.get_num_threads(), sample)
    on_gpu = encoder.device.type != "cpu"
    if backend == "auto":
        chosen = {} if on_gpu else best_backends(shop, num_rows=num_rows)
    else:
        asked = named_backend(backend)
        if on_gpu and asked.library != "torch":
            raise ConfigError(
                f"--backend {backend}: runs on processors, and the model is on a GPU; use --backend torch"
            )
        chosen = dict.fromkeys(shop.modalities, asked)
    engines = {name: shop.engine(name, chosen.get(name, TORCH)) for name in MODALITIES}
    if backend not in ("auto", TORCH.name):
        for modality in shop.modalities:
            shop.require_agreement(modality, chosen[modality], engines[modality])
    names = [chosen.get(name, TORCH).name for name in shop.modalities]
    told = names[0] if len(set(names)) == 1 else f"{names[0]} (pictures), {names[1]} (titles)"
    pool = ChunkPool(1, threads_each=shop.threads) if on_gpu else ChunkPool(shop.threads)
    return FastEncoder(
        encoder=encoder, image_engine=engines["image"], text_engine=engines["text"], backend=told, pool=pool
    )


def with_bfloat16_titles(encoder: FastEncoder) -> FastEncoder:
    """The same encoder, its title tower in torch and bfloat16."""
    engine = TorchEngine(encoder.encoder, "text", BACKENDS["torch-bf16"])
    return replace(encoder, text_engine=engine, backend=f"{encoder.backend} (pictures), torch-bf16 (titles)")
