"""Listings a second of `eclip embed`'s encoder against the plain open_clip loop, on the same threads, in one run.

    python benchmarks/embed/speed.py STORE --encoder small                  # pretrained towers as they come
    python benchmarks/embed/speed.py STORE --encoder ViT-B-32 --rows 128    # open_clip's, random weights
    python benchmarks/embed/speed.py STORE --model MODEL                    # trained: recall@10 means something

The plain loop: a DataLoader over open_clip's own transform and tokenizer, towers in eager float32. Rounds alternate, so
that what else the machine does hits both; processor time, which that hardly changes, is told beside the clock.
"""

from __future__ import annotations

import argparse
import io
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from eclip.errors import EclipError
from eclip.export.agreement import recall_change
from eclip.inference.backends import BACKENDS, is_installed
from eclip.inference.encoder import FastEncoder
from eclip.inference.opening import fast_encoder
from eclip.inference.sample import Sample, sample_of_store
from eclip.model.encoder import Encoder, ProductVectors, product_vectors
from eclip.model.folder import load_model, save_model
from eclip.model.presets import from_open_clip, small
from eclip.products.store import Store


class Listings(Dataset):
    """Pictures and titles, as anybody would read them for open_clip."""

    def __init__(self, sample: Sample, encoder: Encoder) -> None:
        self.sample, self.encoder = sample, encoder

    def __len__(self) -> int:
        return len(self.sample.titles)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, torch.Tensor]:
        picture = Image.open(io.BytesIO(self.sample.images[row])).convert("RGB")
        return self.encoder.transform(picture), self.encoder.tokenize([self.sample.titles[row]])[0]


def plain_loop(encoder: Encoder, sample: Sample, *, workers: int, batch: int) -> ProductVectors:
    """What open_clip's users write."""
    image, text = [], []
    with torch.inference_mode():
        for pixels, tokens in DataLoader(Listings(sample, encoder), batch_size=batch, num_workers=workers):
            image.append(torch.nn.functional.normalize(encoder.module.visual(pixels), dim=-1).numpy())
            text.append(torch.nn.functional.normalize(encoder.module.text(tokens), dim=-1).numpy())
    pictures, titles = np.concatenate(image), np.concatenate(text)
    return ProductVectors(image=pictures, text=titles, product=product_vectors(pictures, titles))


def measured(work: Callable[[], ProductVectors]) -> tuple[ProductVectors, float, float]:
    """What it gives, seconds by the clock, and processor seconds, those of processes that it started included."""
    started, before = time.monotonic(), _processor_seconds()
    vectors = work()
    return vectors, time.monotonic() - started, _processor_seconds() - before


def _processor_seconds() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def compare(encoder: Encoder, sample: Sample, names: list[str], given: argparse.Namespace) -> None:
    """Print a line a backend: rates, ratios to the plain loop, cosine and recall."""
    fast: dict[str, FastEncoder] = {}
    for name in names:
        try:
            fast[name] = fast_encoder(encoder, backend=name, threads=given.threads, sample=sample, num_rows=10**6)
        except EclipError as fault:
            print(f"{name}: {fault}", flush=True)
    rows = sample.first(given.rows)
    works = {"plain open_clip": lambda: plain_loop(encoder, rows, workers=given.workers, batch=given.batch)}
    works |= {name: lambda one=one: one.encode_products(rows.titles, rows.images) for name, one in fast.items()}
    warm = rows.first(64)
    plain_loop(encoder, warm, workers=0, batch=given.batch)
    for one in fast.values():
        one.encode_products(warm.titles, warm.images)
    clock = {name: [] for name in works}
    spent = {name: [] for name in works}
    vectors = {}
    for _ in range(given.rounds):
        for name, work in works.items():
            vectors[name], seconds, processor = measured(work)
            clock[name].append(seconds)
            spent[name].append(processor)
    plain = "plain open_clip"
    print("| backend | listings/s | times | processor ms | times | least cosine | recall@10 |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    reference = vectors[plain]
    for name in works:
        found = vectors[name]
        cosines = [(getattr(found, m) * getattr(reference, m)).sum(1).min() for m in ("image", "text")]
        change = recall_change(reference.image, found.image, reference.text, found.text)
        rate, cost = len(rows.titles) / min(clock[name]), min(spent[name]) / len(rows.titles) * 1e3
        shown = name if name == plain else f"{name}: {fast[name].backend}"
        print(
            f"| {shown} | {rate:.0f} | {min(clock[plain]) / min(clock[name]):.2f} | {cost:.2f} | "
            f"{min(spent[plain]) / min(spent[name]):.2f} | {min(cosines):.4f} | {change:+.4f} |",
            flush=True,
        )


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--encoder", default="small", help="small, or a name of open_clip; without --model")
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--workers", type=int, default=0, help="of the plain loop's DataLoader")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--backends", nargs="*", default=[name for name, each in BACKENDS.items() if not each.compiled])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    drawn = sample_of_store(Store.open(given.store), 2 * max(given.rows, 256))
    whole = [row for row, each in enumerate(drawn.images) if each is not None and drawn.titles[row]]
    sample = Sample(titles=[drawn.titles[row] for row in whole], images=[drawn.images[row] for row in whole])
    names = [name for name in given.backends if name == "auto" or is_installed(BACKENDS[name])]
    with tempfile.TemporaryDirectory() as scratch:
        if given.model is not None:
            encoder = load_model(given.model)
        else:
            titles = [title or "" for title in sample.titles]
            made = small(titles) if given.encoder == "small" else from_open_clip(given.encoder)
            made.module.eval()
            encoder = save_model(made, Path(scratch) / "model", facts={})
        compare(encoder, sample, names, given)


if __name__ == "__main__":
    main()
