"""`eclip export`: a model for other engines and libraries, checked against torch before it is written."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from eclip.commands.arguments import require_folder
from eclip.errors import ConfigError, ModelError
from eclip.files import remove_leftovers, writing

if TYPE_CHECKING:
    import numpy as np

    from eclip.inference.sample import Sample
    from eclip.inference.workshop import Workshop
    from eclip.model.encoder import Encoder, ProductVectors

ExportFormat = Literal["onnx", "openvino", "sentence-transformers", "hf"]
ModelArgument = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="MODEL")]

_ROWS_COMPARED = 1_000
_TITLES_COMPARED = 64
_LIBRARIES = {"onnx": "onnx", "openvino": "openvino"}


@dataclass(frozen=True)
class ExportSummary:
    """What was written, and how it compares with torch."""

    towers: str
    left_out: str
    """Towers that the format can't carry, and why."""
    agreement: str
    """With torch: the largest difference of a number of a unit vector, the least cosine."""
    recall_change: float | None
    """Of recall@10, titles looking for their pictures on the store's sample; None without --store."""
    checked_with: str
    """What read the folder for these figures."""
    out: Path


def export(
    model: ModelArgument,
    /,
    *,
    format: ExportFormat,
    out: Path,
    store: str | Path | None = None,
    int8: bool = False,
) -> ExportSummary:
    """Write a model for onnxruntime, OpenVINO, sentence-transformers or transformers.

    onnx and openvino carry both towers, with code that needs nothing of eclip. sentence-transformers and hf
    (transformers) carry title towers that are Hugging Face's (recipes small and text). What is written is read back and
    compared with torch first; what does not agree is not written.

    Args:
        model: Made by `eclip train`.
        format: For which library.
        out: Folder to make.
        store: Listings to compare and calibrate on; made-up ones otherwise, and no recall.
        int8: Quantise the graphs of onnx or openvino, calibrated on STORE.
    """
    if int8 and (store is None or format not in _LIBRARIES):
        raise ConfigError("--int8: graphs of onnx and openvino are calibrated on a store; give --store STORE too")
    from eclip.inference.sample import drawn_sample, sample_of_store
    from eclip.model.folder import load_model
    from eclip.products.store import Store

    require_folder("out", out)
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"--out {out}: is not empty; name a new folder")
    encoder = load_model(model)
    sample = sample_of_store(Store.open(store), _ROWS_COMPARED) if store else drawn_sample()
    aside = out.with_name(f".{out.name}.export.0.partial")
    remove_leftovers(out.parent, out.name)
    shutil.rmtree(aside, ignore_errors=True)
    try:
        with writing(out):
            if format in _LIBRARIES:
                summary = _graphs(encoder, sample, format, aside, out, is_int8=int8)
            else:
                summary = _sentences(encoder, sample, format, aside, out)
            if out.is_dir():
                out.rmdir()
            aside.rename(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return summary


def _graphs(
    encoder: Encoder, sample: Sample, library: ExportFormat, aside: Path, out: Path, *, is_int8: bool
) -> ExportSummary:
    """Both towers as graphs; read back by the engine, they encode the sample."""
    import torch

    from eclip.export.folders import graph_refusal, write_graph_folder
    from eclip.inference.backends import named_backend
    from eclip.inference.workshop import MODALITIES, THINGS, Workshop

    backend = named_backend(f"{_LIBRARIES[library]}{'-int8' if is_int8 else ''}")
    refused = {name: reason for name in MODALITIES if (reason := graph_refusal(encoder, name))}
    workshop = Workshop(encoder, torch.get_num_threads(), sample)
    graphs = {name: workshop.graph(name, backend) for name in MODALITIES if name not in refused}
    scratch = aside.with_name(f"{aside.name}.ir")
    try:
        if library == "openvino":
            graphs = {name: _as_openvino(graph, scratch / f"{name}.xml") for name, graph in graphs.items()}
        write_graph_folder(encoder, graphs, aside)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    compared = {name: aside / f"{name}{graph.suffix}" for name, graph in graphs.items()}
    reference, found = _both(workshop, compared, sample, is_int8=is_int8, library=library)
    return _compared(
        reference,
        found,
        carried=[THINGS[name] for name in graphs],
        left_out=[f"{THINGS[name]}: {reason}" for name, reason in refused.items()],
        is_float32=not is_int8,
        checked_with=backend.library,
        has_store=sample.is_the_shops,
        out=out,
    )


def _as_openvino(graph: Path, out: Path) -> Path:
    """A graph in OpenVINO's own form."""
    from eclip.inference.backends import load_openvino

    openvino = load_openvino()
    out.parent.mkdir(exist_ok=True)
    openvino.save_model(openvino.Core().read_model(str(graph)), str(out), compress_to_fp16=False)
    return out


def _both(
    workshop: Workshop, graphs: dict, sample: Sample, *, is_int8: bool, library: str
) -> tuple[ProductVectors, ProductVectors]:
    """The sample's vectors by torch, and by the graphs as they were written."""
    from eclip.inference.backends import BACKENDS, TORCH
    from eclip.inference.chunks import ChunkPool
    from eclip.inference.encoder import FastEncoder
    from eclip.inference.workshop import MODALITIES

    backend = BACKENDS[f"{_LIBRARIES[library]}{'-int8' if is_int8 else ''}"]
    engines = {
        name: workshop.engine_of(graphs[name], backend) if name in graphs else workshop.engine(name, TORCH)
        for name in MODALITIES
    }
    fast = FastEncoder(
        encoder=workshop.encoder,
        image_engine=engines["image"],
        text_engine=engines["text"],
        backend=backend.name,
        pool=ChunkPool(workshop.threads),
    )
    try:
        given = (sample.titles, sample.images)
        return workshop.encoder.encode_products(*given), fast.encode_products(*given)
    finally:
        fast.close()


def _sentences(encoder: Encoder, sample: Sample, format: ExportFormat, aside: Path, out: Path) -> ExportSummary:
    """The title tower; read back by transformers, it encodes the sample's titles."""
    from eclip.export.sentences import (
        sentence_refusal,
        transformers_vectors,
        write_sentence_folder,
        write_transformers_folder,
    )
    from eclip.model.encoder import ProductVectors

    reason = sentence_refusal(encoder)
    if reason is not None:
        raise ModelError(f"{encoder.path}: can't be exported with --format {format}: {reason}")
    (write_sentence_folder if format == "sentence-transformers" else write_transformers_folder)(encoder, aside)
    titles = [" ".join((title or "").split()) or "x" for title in sample.titles]
    reference = encoder.encode_text(titles)
    found = [
        transformers_vectors(aside, encoder, titles[start : start + _TITLES_COMPARED])
        for start in range(0, len(titles), _TITLES_COMPARED)
    ]
    images = encoder.encode_image(sample.images) if "image" in encoder.modalities else reference * float("nan")
    return _compared(
        ProductVectors(image=images, text=reference, product=reference),
        ProductVectors(image=images, text=_joined(found), product=reference),
        carried=["titles"],
        left_out=["pictures: these libraries have no class for the picture tower; use --format onnx"],
        is_float32=True,
        checked_with="transformers",
        has_store=sample.is_the_shops,
        out=out,
    )


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    import numpy as np

    return np.concatenate(parts)


def _compared(
    reference: ProductVectors,
    found: ProductVectors,
    *,
    carried: list[str],
    left_out: list[str],
    is_float32: bool,
    checked_with: str,
    has_store: bool,
    out: Path,
) -> ExportSummary:
    """What is told of the two; refuses what is not the model any more.

    Raises:
        ModelError: They do not agree.
    """
    from eclip.export.agreement import agreement, recall_change

    told = [
        agreement(getattr(reference, name), getattr(found, name), is_float32=is_float32) for name in ("image", "text")
    ]
    bad = next((each for each in told if not each.holds), None)
    if bad is not None:
        raise ModelError(
            f"--out {out}: not written, {checked_with} does not agree with torch: {bad}; expected {bad.demand}"
        )
    change = recall_change(reference.image, found.image, reference.text, found.text) if has_store else None
    return ExportSummary(
        towers=", ".join(carried),
        left_out="; ".join(left_out) or "none",
        agreement="; ".join(
            f"{name}: {each}" for name, each in zip(("pictures", "titles"), told, strict=True) if name in carried
        ),
        recall_change=change,
        checked_with=checked_with,
        out=out,
    )
