"""The dual encoder in use: pictures and titles in, unit vectors of one space out.

open_clip owns the towers, the tokenizer and the picture transform; this adds what a shop needs around
them: missing and broken pictures, titles of uneven length, products that have both.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import nn
from torch.nn import functional as F

from eclip.errors import ModelError
from eclip.model.tokenizer import TokenizerFiles
from eclip.model.trunks import parts_of
from eclip.pictureformats import MAX_IMAGE_PIXELS, known_formats

Picture: TypeAlias = bytes | Path | str | Image.Image
Tokenize: TypeAlias = Callable[[list[str]], torch.Tensor]

MODALITIES = ("image", "text")

# A tower is fed this many at once. The C library hands blocks above 32 MiB back to the system after each
# layer and fetches them anew; at 96 pixels a layer of 32 pictures stays below that, and on a CPU the
# fetching took half of the time of a step of 256.
ROWS_AT_ONCE = 32


@dataclass(frozen=True)
class ProductVectors:
    """Vectors of N products, each [N, D] float32, unit rows; NaN rows where the modality is missing."""

    image: np.ndarray
    text: np.ndarray
    product: np.ndarray


@dataclass(kw_only=True)
class Encoder:
    """A dual encoder with everything that travels with it.

    Attributes:
        module: open_clip's model; towers `visual` and `text`, and `logit_scale` (log value).
        tokenize: Titles -> token ids [n, context_length], padded with `pad_id`.
        transform: Picture (RGB) -> pixels [3, H, W], as the towers were trained.
        model_cfg: open_clip's `model_cfg`.
        preprocess_cfg: open_clip's `preprocess_cfg`.
        pad_id: The padding token.
        tokenizer_files: Files that open_clip needs beside the weights, name -> content.
        licences: One line for each borrowed part.
        pretrained_prefixes: Parameters whose names start so were trained before, elsewhere.
        modalities: What it has learned to encode: image, text or both; the other tower's vectors mean nothing.
        manifest: What is known of the model's making; empty before it is saved.
        path: Its folder; None before it is saved.
    """

    module: nn.Module
    tokenize: Tokenize
    transform: Callable[[Image.Image], torch.Tensor]
    model_cfg: dict[str, Any]
    preprocess_cfg: dict[str, Any]
    pad_id: int
    tokenizer_files: TokenizerFiles = field(default_factory=dict)
    licences: tuple[str, ...] = ()
    pretrained_prefixes: tuple[str, ...] = ()
    modalities: tuple[str, ...] = MODALITIES
    manifest: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def __post_init__(self) -> None:
        self.can_trim_padding = allow_short_titles(self.module.text)

    @property
    def embed_dim(self) -> int:
        """Length of every vector."""
        return int(self.model_cfg["embed_dim"])

    @property
    def digest(self) -> str:
        """Digest of the saved folder's content; empty before the model is saved."""
        return str(self.manifest.get("digest", ""))

    @property
    def device(self) -> torch.device:
        """Where the towers are."""
        return self.module.logit_scale.device

    def trim(self, tokens: torch.Tensor) -> torch.Tensor:
        """Cut the padding that all rows share: [n, context_length] -> [n, L]. Titles are short."""
        if not self.can_trim_padding:
            return tokens
        used = (tokens != self.pad_id).any(dim=0).nonzero()
        return tokens[:, : int(used[-1]) + 1] if len(used) else tokens[:, :1]

    def image_features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels [b, 3, H, W] -> unit features [b, D] in float32 at least, within the graph.

        Pooled vectors [b, F] of the tower's trunk go through its head alone (`eclip.model.trunks`).
        """
        if pixels.ndim == 2:
            features = parts_of(self.module.visual).head(pixels)
        else:
            features = torch.cat([self.module.visual(some) for some in pixels.split(ROWS_AT_ONCE)])
        return F.normalize(_at_least_float32(features), dim=-1)

    def text_features(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens [b, context_length] -> unit features [b, D] in float32 at least, within the graph.

        Titles of like length go through the tower together, so that little padding is computed.
        """
        order = (tokens != self.pad_id).sum(dim=1).argsort(stable=True)
        sorted_features = torch.cat([self.module.text(self.trim(some)) for some in tokens[order].split(ROWS_AT_ONCE)])
        return F.normalize(_at_least_float32(sorted_features[order.argsort()]), dim=-1)

    def encode_image(self, images: Sequence[Picture | None]) -> np.ndarray:
        """Pictures -> [N, D] float32 unit rows; NaN rows where a picture is None or unreadable.

        Raises:
            ModelError: It has learned from titles alone.
        """
        self.require("image", "pictures")
        vectors = np.full((len(images), self.embed_dim), np.nan, dtype=np.float32)
        for start in range(0, len(images), ROWS_AT_ONCE):
            opened = [open_picture(image) for image in images[start : start + ROWS_AT_ONCE]]
            rows = [start + i for i, picture in enumerate(opened) if picture is not None]
            if rows:
                pixels = torch.stack([self.transform(p) for p in opened if p is not None])
                pixels = pixels.contiguous(memory_format=torch.channels_last)
                with evaluating(self.module), torch.inference_mode():
                    vectors[rows] = self.image_features(pixels.to(self.device)).cpu().numpy()
        return vectors

    def encode_text(self, texts: Sequence[str | None]) -> np.ndarray:
        """Titles -> [N, D] float32 unit rows; NaN rows where a title is None or blank.

        Raises:
            ModelError: It has learned from pictures alone.
        """
        self.require("text", "titles")
        vectors = np.full((len(texts), self.embed_dim), np.nan, dtype=np.float32)
        rows = [i for i, text in enumerate(texts) if text is not None and text.strip()]
        rows.sort(key=lambda i: len(texts[i] or ""))  # as in `text_features`
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            tokens = self.tokenize([texts[i] or "" for i in some])
            with evaluating(self.module), torch.inference_mode():
                vectors[some] = self.text_features(tokens.to(self.device)).cpu().numpy()
        return vectors

    def require(self, modality: str, things: str) -> None:
        """Refuse to encode what it has not learned.

        Args:
            modality: "image" or "text".
            things: What a person calls them.

        Raises:
            ModelError: It has learned from the other modality alone.
        """
        if modality not in self.modalities:
            learned = "titles" if modality == "image" else "pictures"
            raise ModelError(
                f"{self.path or 'this model'} has learned from {learned} alone: its vectors of {things} mean nothing; "
                "train one on products that have both (`eclip train STORE --recipe small`)"
            )

    def encode_products(self, titles: Sequence[str | None], images: Sequence[Picture | None]) -> ProductVectors:
        """Titles and pictures of N products (same length, either may be None) -> their vectors.

        What the model has not learned to encode counts as missing.
        """
        return encode_products(self, titles, images)


class EncodesBoth(Protocol):
    """What turns pictures and titles into vectors of one space; rows are NaN where something is missing."""

    @property
    def embed_dim(self) -> int:
        """Length of every vector."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """What it has learned to encode."""

    def encode_image(self, images: Sequence[Picture | None]) -> np.ndarray:
        """Unit rows [N, D]."""

    def encode_text(self, texts: Sequence[str | None]) -> np.ndarray:
        """Unit rows [N, D]."""


def encode_products(
    encoder: EncodesBoth, titles: Sequence[str | None], images: Sequence[Picture | None]
) -> ProductVectors:
    """Titles and pictures of N products -> their vectors, by whatever encoder.

    Raises:
        ValueError: There are not as many titles as images.
    """
    if len(titles) != len(images):
        raise ValueError(f"{len(titles)} titles and {len(images)} images: give one of each a product")
    missing = np.full((len(titles), encoder.embed_dim), np.nan, dtype=np.float32)
    image = encoder.encode_image(images) if "image" in encoder.modalities else missing
    text = encoder.encode_text(titles) if "text" in encoder.modalities else missing.copy()
    return ProductVectors(image=image, text=text, product=product_vectors(image, text))


def product_vectors(image: np.ndarray, text: np.ndarray) -> np.ndarray:
    """Unit mean of both vectors, or the one that is there: [N, D] and [N, D] -> [N, D]."""
    parts = np.stack([image, text])
    total = np.nansum(parts, axis=0)
    total[np.isnan(parts).all(axis=0)] = np.nan
    norm = np.linalg.norm(total, axis=1, keepdims=True)
    return (total / np.where(norm > 0, norm, 1)).astype(np.float32)


def open_picture(image: Picture | None, *, draft_side: int | None = None) -> Image.Image | None:
    """Decode a picture to RGB, upright and on white; None when there is none, it can't be read or is huge.

    Args:
        image: The picture.
        draft_side: A JPEG of more than twice as many pixels a side is decoded at a fraction of its size, which keeps
            both sides at least so long: a photo of 12 megapixels in a tenth of the time. None = every pixel.
    """
    if image is None:
        return None
    try:
        opened = image if isinstance(image, Image.Image) else Image.open(_readable(image), formats=known_formats())
        if opened.width * opened.height > MAX_IMAGE_PIXELS:
            return None
        if draft_side is not None:
            opened.draft("RGB" if opened.mode == "RGB" else None, (draft_side, draft_side))
        upright = ImageOps.exif_transpose(opened)
        if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
            layer = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        return upright.convert("RGB")
    except Exception:  # decoders of damaged files raise nearly anything
        return None


def _at_least_float32(features: torch.Tensor) -> torch.Tensor:
    """What autocast has halved, in float32 again; float64 stays."""
    return features.to(torch.promote_types(features.dtype, torch.float32))


def _readable(image: bytes | Path | str) -> io.BytesIO | Path | str:
    return io.BytesIO(image) if isinstance(image, bytes) else image


def default_device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class evaluating:  # noqa: N801 - reads as a verb: `with evaluating(model):`
    """Put a model into evaluation mode for a while, and back into the mode it was in."""

    def __init__(self, module: nn.Module) -> None:
        self.module, self.was_training = module, module.training

    def __enter__(self) -> None:
        if self.was_training:
            self.module.eval()

    def __exit__(self, *_: object) -> None:
        if self.was_training:
            self.module.train()


def allow_short_titles(text_tower: nn.Module) -> bool:
    """Let a text tower take fewer tokens than its context length; say whether trimming is exact.

    open_clip's own tower adds a causal mask of full size; cut to the tokens given, the features are the
    same, as no token sees those after it. Hugging Face towers mask padding themselves. A tower that
    looks both ways without a padding mask (SigLIP) was trained on the padding, which then must stay.
    """
    if hasattr(text_tower, "transformer") and hasattr(text_tower, "pooler"):
        return True
    mask = getattr(text_tower, "attn_mask", None)
    if mask is None or getattr(text_tower, "cls_emb", None) is not None or text_tower.pool_type == "last":
        return False
    whole_embeds = text_tower._embeds

    def embeds(text: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        embedded, causal_mask = whole_embeds(text)
        length = embedded.shape[1]
        return embedded, causal_mask[:length, :length]

    text_tower._embeds = embeds
    return True


def copied_text_tower(text_tower: nn.Module) -> nn.Module:
    """A copy of a title tower in evaluation mode, its own short way for short titles included."""
    copied = copy.deepcopy(text_tower).eval().requires_grad_(requires_grad=False)
    if copied.__dict__.pop("_embeds", None) is not None:  # that of `allow_short_titles` calls the original
        allow_short_titles(copied)
    return copied
