"""The encoder in use, quick: the contracts of `eclip.model.encoder.Encoder`, its towers run by any backend."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eclip.inference.chunks import ChunkPool, distinct
from eclip.inference.engines import Engine
from eclip.inference.pixels import stacked_pixels
from eclip.model.encoder import ROWS_AT_ONCE, Encoder, Picture, ProductVectors, encode_products, open_picture

TITLES_A_CHUNK = 2 * ROWS_AT_ONCE

Look = Callable[[int, Any], None]


@dataclass(frozen=True, kw_only=True)
class FastEncoder:
    """A model whose towers are run by engines; equal pictures and titles of one call are encoded once.

    Attributes:
        encoder: The model itself, in torch.
        image_engine: Runs its picture tower.
        text_engine: Runs its title tower.
        backend: What runs them, as a person would say it.
        pool: Threads that chunks are computed on.
    """

    encoder: Encoder
    image_engine: Engine
    text_engine: Engine
    backend: str
    pool: ChunkPool
    _tokenizing: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def digest(self) -> str:
        """Digest of the model's folder."""
        return self.encoder.digest

    @property
    def embed_dim(self) -> int:
        """Length of every vector."""
        return self.encoder.embed_dim

    @property
    def modalities(self) -> tuple[str, ...]:
        """What the model has learned to encode."""
        return self.encoder.modalities

    @property
    def manifest(self) -> dict[str, Any]:
        """What is known of the model's making."""
        return self.encoder.manifest

    @property
    def path(self) -> Path | None:
        """The model's folder."""
        return self.encoder.path

    def encode_image(self, images: Sequence[Picture | None], *, look: Look | None = None) -> np.ndarray:
        """Pictures -> [N, D] float32 unit rows; NaN rows where a picture is None or unreadable.

        Args:
            images: The pictures; equal bytes are decoded and encoded once.
            look: Called with the row and the decoded picture (None where unreadable) of each different one, on any
                thread, so that nobody need decode it again.

        Raises:
            ModelError: The model has learned from titles alone.
        """
        self.encoder.require("image", "pictures")
        firsts, of_row = distinct([each if isinstance(each, bytes) else id(each) for each in images])
        vectors = np.full((len(firsts), self.embed_dim), np.nan, dtype=np.float32)
        draft_side = 2 * _longest(self.encoder.preprocess_cfg["size"])

        def encode(places: np.ndarray) -> None:
            opened = [open_picture(images[firsts[place]], draft_side=draft_side) for place in places]
            if look is not None:
                for place, picture in zip(places, opened, strict=True):
                    look(firsts[place], picture)
            there = [at for at, picture in enumerate(opened) if picture is not None]
            if there:
                pixels = stacked_pixels([opened[at] for at in there], self.encoder.transform)
                vectors[places[there]] = unit_rows(self.image_engine(pixels))

        wanted = [place for place, row in enumerate(firsts) if images[row] is not None]
        self.pool.run(encode, np.array(wanted, dtype=np.int64), ROWS_AT_ONCE)
        return vectors[of_row]

    def encode_text(self, texts: Sequence[str | None]) -> np.ndarray:
        """Titles -> [N, D] float32 unit rows; NaN rows where a title is None or blank.

        Titles of like length share a chunk, so that little padding is computed.

        Raises:
            ModelError: The model has learned from pictures alone.
        """
        self.encoder.require("text", "titles")
        firsts, of_row = distinct(texts)
        vectors = np.full((len(firsts), self.embed_dim), np.nan, dtype=np.float32)
        rows = np.array([place for place, row in enumerate(firsts) if (texts[row] or "").strip()], dtype=np.int64)
        if not len(rows):
            return vectors[of_row]
        with self._tokenizing:  # tokenizers change their own settings in a call
            tokens = self.encoder.tokenize([texts[firsts[place]] or "" for place in rows])
        order = (tokens != self.encoder.pad_id).sum(dim=1).argsort(stable=True).numpy()

        def encode(some: np.ndarray) -> None:
            vectors[rows[some]] = unit_rows(self.text_engine(self.encoder.trim(tokens[some])))

        self.pool.run(encode, order, TITLES_A_CHUNK)
        return vectors[of_row]

    def encode_products(self, titles: Sequence[str | None], images: Sequence[Picture | None]) -> ProductVectors:
        """Titles and pictures of N products (same length, either may be None) -> their vectors.

        What the model has not learned to encode counts as missing.
        """
        return encode_products(self, titles, images)

    def close(self) -> None:
        """End its threads; they end with the process otherwise."""
        self.pool.close()


def unit_rows(features: np.ndarray) -> np.ndarray:
    """Features [b, D] at unit length, float32."""
    norm = np.linalg.norm(features, axis=1, keepdims=True)
    return (features / np.maximum(norm, 1e-12)).astype(np.float32)


def _longest(size: int | Sequence[int]) -> int:
    return size if isinstance(size, int) else max(size)
