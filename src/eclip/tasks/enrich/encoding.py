"""New listings to vectors at the least cost of processor time: each picture decoded once, equal content encoded once.

On a processor three things make the towers cheaper. Batch normalisation is folded into the convolutions before it
(`eclip.train.folding`; the same function up to rounding). Pictures and titles go through the towers in chunks, as many
chunks at once as there are processors, each on one thread: many small operations shared by two threads wait more
than they compute. And MiniLM's matrix products run in bfloat16 where the processor has instructions for it; vectors
then have a cosine of .9998 or more to the exact ones. `exact` leaves that last step out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torchvision.transforms import Normalize, ToTensor

from eclip.model.encoder import ROWS_AT_ONCE, Encoder, open_picture
from eclip.products.duplicates.pixels import cells_of
from eclip.tasks.enrich.listings import KEPT_COLUMNS, Listings
from eclip.train.folding import foldable_pairs, folded_statistics

if TYPE_CHECKING:
    import pyarrow as pa

    from eclip.tasks.enrich.corpus import Corpus

TITLES_A_CHUNK = 2 * ROWS_AT_ONCE


@dataclass(frozen=True)
class FeedEncoder:
    """Encodes batches of a feed; made by `feed_encoder`.

    Attributes:
        encoder: The model.
        pool: Threads that chunks are computed on.
        corpus: A store whose vectors are taken for listings that it holds; None = everything is encoded.
    """

    encoder: Encoder
    pool: ThreadPoolExecutor
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
        text[new] = self._titles([titles[row] for row in new])
        return Listings(table=batch.select(list(KEPT_COLUMNS)), image=image, text=text, cells=cells)

    def _pictures(
        self, pictures: Sequence[bytes | None], digests: Sequence[str | None], new: np.ndarray
    ) -> tuple[list[np.ndarray | None], np.ndarray]:
        """Cells [N] of all pictures and vectors [n, D] of the rows that are `new`; each is decoded once."""
        firsts, of_row = _distinct(digests)
        wanted = np.unique(of_row[new])
        wanted = wanted[[digests[firsts[place]] is not None for place in wanted]] if len(wanted) else wanted
        encodes = "image" in self.encoder.modalities
        cells: list[np.ndarray | None] = [None] * len(firsts)
        vectors = np.full((len(firsts), self.encoder.embed_dim), np.nan, dtype=np.float32)

        def look(places: np.ndarray, *, encode: bool) -> None:
            opened = [open_picture(pictures[firsts[place]]) for place in places]
            for place, picture in zip(places.tolist(), opened, strict=True):
                cells[place] = None if picture is None else cells_of(picture)
            there = [at for at, picture in enumerate(opened) if picture is not None]
            if encode and there:
                with torch.inference_mode():
                    pixels = stacked_pixels([opened[at] for at in there], self.encoder.transform)
                    features = self.encoder.image_features(pixels.to(self.encoder.device))
                    vectors[places[there]] = features.cpu().numpy()

        others = np.setdiff1d(np.arange(len(firsts)), wanted)
        self._run(lambda some: look(some, encode=encodes), wanted, ROWS_AT_ONCE)
        self._run(lambda some: look(some, encode=False), others, ROWS_AT_ONCE)
        return [cells[place] for place in of_row], vectors[of_row[new]]

    def _titles(self, titles: Sequence[str | None]) -> np.ndarray:
        """Vectors [N, D] of titles; titles of like length share a chunk, so that little padding is computed."""
        firsts, of_row = _distinct(titles)
        vectors = np.full((len(firsts), self.encoder.embed_dim), np.nan, dtype=np.float32)
        texts = [titles[row] or "" for row in firsts]
        rows = np.array([place for place, title in enumerate(texts) if title.strip()], dtype=np.int64)
        if not len(rows) or "text" not in self.encoder.modalities:
            return vectors[of_row]
        tokens = self.encoder.tokenize([texts[place] for place in rows])  # by one thread: its tokenizer is not for two
        order = (tokens != self.encoder.pad_id).sum(dim=1).argsort(stable=True).numpy()

        def encode(some: np.ndarray) -> None:
            with torch.inference_mode():
                features = self.encoder.text_features(tokens[some].to(self.encoder.device))
                vectors[rows[some]] = features.cpu().numpy()

        self._run(encode, order, TITLES_A_CHUNK)
        return vectors[of_row]

    def _run(self, work: Callable[[np.ndarray], None], places: np.ndarray, size: int) -> None:
        """Do the work in chunks of so many places, on all threads; a fault in one is a fault of all."""
        chunks = [places[start : start + size] for start in range(0, len(places), size)]
        futures = [self.pool.submit(work, chunk) for chunk in chunks]
        try:
            for future in futures:
                future.result()
        finally:
            for future in futures:
                future.cancel()


@contextmanager
def feed_encoder(encoder: Encoder, corpus: Corpus | None = None, *, exact: bool = False) -> Iterator[FeedEncoder]:
    """An encoder of feeds, quick within the block; the model is as it was afterwards.

    Args:
        encoder: The model.
        corpus: A store with vectors of this model.
        exact: Titles in full precision, too.
    """
    on_processor = encoder.device.type == "cpu"
    threads = torch.get_num_threads()
    with ExitStack() as stack:
        quick = copy.copy(encoder)
        if on_processor:
            stack.enter_context(folded_statistics(foldable_pairs(encoder.module.visual)))
            if not exact and takes_bfloat16(encoder.module.text):
                quick.module = _with_text(encoder.module, copy.deepcopy(encoder.module.text).to(torch.bfloat16))
        workers = threads if on_processor else 1
        pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(max(1, threads // workers),))
        stack.callback(torch.set_num_threads, threads)
        stack.enter_context(pool)
        yield FeedEncoder(quick, pool, corpus)


def stacked_pixels(pictures: Sequence[Any], transform: Callable[[Any], torch.Tensor]) -> torch.Tensor:
    """Pixels [b, 3, H, W] of RGB pictures, channels last: what the transform gives of each, to the bit.

    Becoming a float and being normalised, the end of open_clip's transform, is done for all at once.
    """
    steps = list(getattr(transform, "transforms", ()))
    *before, to_tensor, normalise = steps if len(steps) > 1 else (None, None)
    if not (isinstance(to_tensor, ToTensor) and isinstance(normalise, Normalize)):
        return torch.stack([transform(each) for each in pictures]).contiguous(memory_format=torch.channels_last)
    levels = []
    for picture in pictures:
        for step in before:
            picture = step(picture)
        levels.append(np.asarray(picture))
    pixels = torch.from_numpy(np.stack(levels)).permute(0, 3, 1, 2).float().div_(255)
    return normalise(pixels)


def takes_bfloat16(text_tower: torch.nn.Module) -> bool:
    """Whether a title tower gains by bfloat16 here: a Hugging Face one, on a processor with instructions for it."""
    is_hugging_face = hasattr(text_tower, "transformer") and hasattr(text_tower, "pooler")
    capabilities = torch.cpu.get_capabilities()
    has_products = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return is_hugging_face and has_products and torch.backends.mkldnn.is_available()


def _with_text(module: torch.nn.Module, text: torch.nn.Module) -> torch.nn.Module:
    """The same model with another title tower; all else is shared."""
    other = copy.copy(module)
    other._modules = {**module._modules, "text": text}
    return other


def _distinct(values: Sequence[Hashable]) -> tuple[list[int], np.ndarray]:
    """First row of each distinct value, and for each row [N] its place among them."""
    places: dict[Any, int] = {}
    firsts: list[int] = []
    of_row = np.empty(len(values), dtype=np.int64)
    for row, value in enumerate(values):
        if value not in places:
            places[value] = len(firsts)
            firsts.append(row)
        of_row[row] = places[value]
    return firsts, of_row
