"""What a frozen picture trunk says of each picture of a run, computed once and kept beside the run.

The cache is a folder of small files, each written aside and renamed: a run that was killed while it filled the cache
computes the missing files alone. The folder's name is a digest of the trunk's weights, the transform and the
pictures, so vectors of another trunk or of other pictures are never taken for these.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from PIL import Image

from eclip.errors import CheckpointError
from eclip.files import replace_file
from eclip.model.encoder import ROWS_AT_ONCE, Encoder, evaluating, open_picture
from eclip.model.trunks import parts_of, trunk_digest
from eclip.progress import stage
from eclip.train.checks import require_bool, require_choice
from eclip.train.pairs import TrainingSource
from eclip.train.ranks import Ranks

FOLDER = "pictures"
PICTURES_A_FILE = 1_024

Precision: TypeAlias = Literal["float16", "float32"]
ReadImages: TypeAlias = Callable[[Sequence[int]], list[bytes | None]]


@dataclass(frozen=True, kw_only=True)
class LockedConfig:
    """A frozen picture trunk, whose vectors are computed once."""

    pictures: bool = False
    """Freeze the picture trunk and keep its vectors on disk; the picture head and the text tower learn."""
    precision: Precision = "float16"
    """What the vectors are kept in: float16 takes half the room."""

    def __post_init__(self) -> None:
        require_bool("locked.pictures", self.pictures)
        require_choice("locked.precision", self.precision, get_args(Precision))


@dataclass(frozen=True, kw_only=True)
class PictureCache:
    """Vectors of P different pictures, read from disk as they are needed.

    Attributes:
        parts: Files of vectors [up to PICTURES_A_FILE, F], one after the other.
        places: Row of the store -> place of its picture among the P.
    """

    parts: Sequence[np.ndarray]
    places: dict[int, int]

    def vectors(self, rows: Sequence[int]) -> torch.Tensor:
        """What the trunk says of the pictures at these rows of the store: [n, F] float32."""
        if not len(rows):
            return torch.zeros(0, self.parts[0].shape[1])
        places = [divmod(self.places[int(row)], PICTURES_A_FILE) for row in rows]
        return torch.from_numpy(np.stack([self.parts[part][place] for part, place in places]).astype(np.float32))


def open_cache(
    encoder: Encoder, store: TrainingSource, rows: np.ndarray, folder: Path, *, config: LockedConfig, ranks: Ranks
) -> PictureCache:
    """The trunk's vectors of the pictures at these rows; what of them is not in `folder` yet is computed.

    Args:
        encoder: Its trunk is the one that counts, and is left as it is.
        store: Where the pictures lie.
        rows: Positions in the store, all with a picture.
        folder: Kept for this cache alone: vectors of an earlier trunk there are removed.
        config: How they are kept.
        ranks: Each computes its share of the files, into one folder for all.

    Raises:
        CheckpointError: A file of the cache is damaged.
    """
    hashes = np.array(store.table(["image_hash"])["image_hash"].take(rows).to_pylist())
    known, first, places = np.unique(hashes, return_index=True, return_inverse=True)
    key = hashlib.sha256(
        f"{trunk_digest(encoder)} {config.precision} {PICTURES_A_FILE} {' '.join(known)}".encode()
    ).hexdigest()[:16]
    ranks.any_of(flag=False)  # no rank may remove what another has begun to write
    if ranks.is_first:
        _remove_others(folder, key)
    paths = [folder / key / f"{start // PICTURES_A_FILE:05d}.npy" for start in range(0, len(known), PICTURES_A_FILE)]
    missing = [number for number, path in enumerate(paths) if not path.is_file()][ranks.rank :: ranks.world_size]
    lots = {number: rows[first[number * PICTURES_A_FILE :][:PICTURES_A_FILE]] for number in missing}
    if lots:
        with stage("Reading pictures once", sum(map(len, lots.values())), unit="pictures") as advance:
            for number, lot in lots.items():
                vectors = trunk_vectors(encoder, store.images, lot, advance=advance)
                with replace_file(paths[number]) as aside, aside.open("wb") as file:
                    np.save(file, vectors.astype(config.precision))
    ranks.any_of(flag=False)  # all files are there
    return PictureCache(
        parts=[_mapped(path, len(known) - number * PICTURES_A_FILE) for number, path in enumerate(paths)],
        places=dict(zip(rows.tolist(), places.tolist(), strict=True)),
    )


def cached_vectors(encoder: Encoder, cache: PictureCache, rows: Sequence[int] | np.ndarray) -> np.ndarray:
    """What `encode_image` says of the pictures at these rows, by the head alone: [n, D]; NaN rows for none."""
    kept = [place for place, row in enumerate(rows) if int(row) in cache.places]
    vectors = np.full((len(rows), encoder.embed_dim), np.nan, dtype=np.float32)
    if kept:
        pooled = cache.vectors([int(rows[place]) for place in kept])
        with evaluating(encoder.module), torch.inference_mode():
            vectors[kept] = encoder.image_features(pooled.to(encoder.device)).cpu().numpy()
    return vectors


def trunk_vectors(
    encoder: Encoder, read_images: ReadImages, rows: np.ndarray, *, advance: Callable[[int], None] = lambda _: None
) -> np.ndarray:
    """What the trunk says of the whole pictures at these rows: [n, F] float32; an unreadable one counts as white."""
    trunk = parts_of(encoder.module.visual).trunk
    found = []
    with evaluating(encoder.module), torch.inference_mode():
        for pixels in _pixels_ahead(encoder, read_images, rows):
            found.append(trunk(pixels.to(encoder.device)).float().cpu().numpy())
            advance(len(pixels))
    return np.concatenate(found)


def _pixels_ahead(encoder: Encoder, read_images: ReadImages, rows: np.ndarray) -> Iterator[torch.Tensor]:
    """Pixels of pictures in small lots, the next of which is decoded while one is being used."""

    def decode(some: np.ndarray) -> torch.Tensor:
        opened = [open_picture(image) or Image.new("RGB", (8, 8), "white") for image in read_images(some.tolist())]
        return torch.stack([encoder.transform(picture) for picture in opened]).contiguous(
            memory_format=torch.channels_last
        )

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures") as pool:
        lots = [rows[start : start + ROWS_AT_ONCE] for start in range(0, len(rows), ROWS_AT_ONCE)]
        following = pool.submit(decode, lots[0])
        for lot in [*lots[1:], None]:
            pixels = following.result()
            if lot is not None:
                following = pool.submit(decode, lot)
            yield pixels


def _remove_others(folder: Path, key: str) -> None:
    """Remove vectors of other trunks or pictures: nothing would ever read them again."""
    for other in folder.glob("*") if folder.is_dir() else ():
        if other.name != key:
            shutil.rmtree(other)


def _mapped(path: Path, rows_left: int) -> np.ndarray:
    expected = min(rows_left, PICTURES_A_FILE)
    try:
        vectors: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); delete {path.parent} and repeat the command") from error
    if vectors.ndim != 2 or len(vectors) != expected:
        raise CheckpointError(
            f"{path} holds {vectors.shape}, expected {expected} vectors; delete {path.parent} and repeat the command"
        )
    return vectors
