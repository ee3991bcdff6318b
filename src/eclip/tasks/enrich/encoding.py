"""New listings to vectors at the least cost of processor time: each picture decoded once, equal content encoded once.

The towers are run by `eclip.inference`, which folds batch normalisation into convolutions, gives each thread a chunk of
its own, and can hand them to other engines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eclip.inference.backends import multiplies_bfloat16
from eclip.inference.chunks import distinct
from eclip.inference.encoder import FastEncoder
from eclip.inference.opening import fast_encoder, with_bfloat16_titles
from eclip.model.encoder import Encoder, open_picture
from eclip.products.duplicates.pixels import cells_of
from eclip.tasks.enrich.listings import KEPT_COLUMNS, Listings

if TYPE_CHECKING:
    import pyarrow as pa
    import torch

    from eclip.tasks.enrich.corpus import Corpus


@dataclass(frozen=True)
class FeedEncoder:
    """Encodes batches of a feed; made by `feed_encoder`.

    Attributes:
        encoder: The model.
        corpus: A store whose vectors are taken for listings that it holds; None = everything is encoded.
    """

    encoder: FastEncoder
    corpus: Corpus | None = None

    def listings(self, batch: pa.Table) -> Listings:
        """Vectors and cells of a batch of cleaned listings; those that can't be used have neither."""
        titles, pictures = batch["title"].to_pylist(), batch["image"].to_pylist()
        image = np.full((len(titles), self.encoder.embed_dim), np.nan, dtype=np.float32)
        text = image.copy()
        known = np.full(len(titles), -1) if self.corpus is None else self.corpus.rows_of_content(batch["content_hash"])
        if self.corpus is not None:
            there = known >= 0
            image[there], text[there] = self.corpus.image[known[there]], self.corpus.text[known[there]]
        new = np.flatnonzero(known < 0)
        cells, image[new] = self._pictures(pictures, batch["image_hash"].to_pylist(), new)
        if "text" in self.encoder.modalities:
            text[new] = self.encoder.encode_text([titles[row] for row in new])
        return Listings(table=batch.select(list(KEPT_COLUMNS)), image=image, text=text, cells=cells)

    def _pictures(
        self, pictures: Sequence[bytes | None], digests: Sequence[str | None], new: np.ndarray
    ) -> tuple[list[np.ndarray | None], np.ndarray]:
        """Cells [N] of all pictures and vectors [n, D] of the rows that are `new`; each is decoded once."""
        firsts, of_row = distinct(digests)
        cells: list[np.ndarray | None] = [None] * len(firsts)
        vectors = np.full((len(firsts), self.encoder.embed_dim), np.nan, dtype=np.float32)
        usable = np.array([digests[row] is not None for row in firsts], dtype=bool)
        wanted = np.zeros(len(firsts), dtype=bool)
        if "image" in self.encoder.modalities:
            wanted[of_row[new]] = True
        encoded, others = np.flatnonzero(wanted & usable), np.flatnonzero(~wanted & usable)

        def look(at: int, picture: Any) -> None:
            cells[encoded[at]] = None if picture is None else cells_of(picture)

        def look_only(places: np.ndarray) -> None:
            for place in places.tolist():
                picture = open_picture(pictures[firsts[place]])
                cells[place] = None if picture is None else cells_of(picture)

        if len(encoded):
            vectors[encoded] = self.encoder.encode_image([pictures[firsts[place]] for place in encoded], look=look)
        self.encoder.pool.run(look_only, others, len(others))
        return [cells[place] for place in of_row], vectors[of_row[new]]


@contextmanager
def feed_encoder(
    encoder: Encoder, corpus: Corpus | None = None, *, exact: bool = False, num_rows: int | None = None
) -> Iterator[FeedEncoder]:
    """An encoder of feeds, its threads there within the block.

    Args:
        encoder: The model.
        corpus: A store with vectors of this model.
        exact: In torch and full precision; else as an earlier trial on this machine found best, and MiniLM in
            bfloat16 where the processor has instructions for it: vectors then have a cosine of .9998 or more.
        num_rows: How many listings there are; None = not known.
    """
    quick = fast_encoder(encoder, backend="torch" if exact else "auto", num_rows=num_rows)
    if not exact and quick.backend == "torch" and takes_bfloat16(encoder.module.text):
        quick = with_bfloat16_titles(quick)
    try:
        yield FeedEncoder(quick, corpus)
    finally:
        quick.close()


def takes_bfloat16(text_tower: torch.nn.Module) -> bool:
    """Whether a title tower gains by bfloat16 here: a Hugging Face one, on a processor with instructions for it."""
    is_hugging_face = hasattr(text_tower, "transformer") and hasattr(text_tower, "pooler")
    return is_hugging_face and multiplies_bfloat16()
