"""Share of a training step's time that waits for the loader, with small and with large pictures from a store.

    python -m benchmarks.train.loader [--store STORE] [--batch 64] [--steps 12] [--side 500] [--threads 2]

Recipe `small` trains on the store's pairs as a run does: the loader reads, decodes, crops and scales ahead in its
thread while the step computes. Then the same products with pictures scaled up to `--side` pixels, prepared into a store
of their own. Waiting is the time between asking for a batch and having it. The batches made ahead before the first step
are left out: as many steps as they are come first and do not count.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import torch
from benchmarks.train.shop import open_shop
from PIL import Image

from eclip.model.encoder import open_picture
from eclip.model.presets import small
from eclip.products.store import Store
from eclip.train.batches import BATCHES_AHEAD, training_batches
from eclip.train.loop import make_sampler
from eclip.train.pairs import Pairs, read_training_pairs
from eclip.train.ranks import Ranks
from eclip.train.recipes import load_recipe
from eclip.train.step import TrainStep

MARK = 0.05
PRODUCTS_SCALED = 500


def scaled_up(store: Store, pairs: Pairs, side: int, scratch: Path) -> tuple[Store, Pairs]:
    """Some of the products with pictures whose long side is so many pixels, in a store of their own."""
    folder = scratch / "scaled"
    folder.mkdir()
    rows, titles = pairs.rows[:PRODUCTS_SCALED], pairs.titles[:PRODUCTS_SCALED]
    lines = []
    for number, (image, title) in enumerate(zip(store.images(rows.tolist()), titles, strict=True)):
        picture = open_picture(image)
        if picture is not None:
            factor = side / max(picture.size)
            large = picture.resize([round(length * factor) for length in picture.size], Image.Resampling.BICUBIC)
            content = io.BytesIO()
            large.save(content, "JPEG", quality=90)
            (folder / f"{number}.jpg").write_bytes(content.getvalue())
            lines.append(json.dumps({"id": str(number), "title": title, "image": f"{number}.jpg"}))
    (folder / "feed.jsonl").write_text("\n".join(lines), encoding="utf-8")
    command = ["prepare", str(folder / "feed.jsonl"), "--store", str(scratch / "large")]
    subprocess.run([sys.executable, "-m", "eclip", *command], check=True, stderr=subprocess.DEVNULL)
    large_store = Store.open(scratch / "large")
    return large_store, read_training_pairs(large_store)


def measure(store: Store, pairs: Pairs, *, size: int, steps: int) -> tuple[float, float, float]:
    """Seconds of waiting and of all, over the steps that count; seconds of the loader alone for one batch."""
    config, encoder = load_recipe("small"), small(pairs.titles)
    step = TrainStep.of(encoder, config, Ranks())
    batches = training_batches(
        encoder, pairs, store, sampler=make_sampler(pairs, config), first_position=0, size_at=lambda _: size,
        ranks=Ranks(), augmentation=config.augmentation,
    )  # fmt: skip
    waited = spent = 0.0
    with closing(batches):
        started = time.perf_counter()
        next(batches)
        alone = time.perf_counter() - started
        for number in range(BATCHES_AHEAD + steps):
            asked = time.perf_counter()
            batch = next(batches)
            had = time.perf_counter()
            step.take(batch, number=number, lr_factor=1e-3)
            if number >= BATCHES_AHEAD:
                waited += had - asked
                spent += time.perf_counter() - asked
    return waited, spent, alone


def main() -> None:
    """Measure both, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, help="prepared store; a sample shop is drawn without it")
    for name, default in {"batch": 64, "steps": 12, "side": 500, "threads": torch.get_num_threads()}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        shop = open_shop(args.store, scratch)
        shops = {"as stored": shop, f"scaled to {args.side}": scaled_up(*shop, args.side, scratch)}
        for shown, (store, pairs) in shops.items():
            picture = open_picture(store.images([int(pairs.rows[0])])[0])
            size = "unreadable" if picture is None else f"first is {picture.width} x {picture.height}"
            waited, spent, alone = measure(store, pairs, size=args.batch, steps=args.steps)
            reached = "reached" if waited <= MARK * spent else "MISSED"
            print(
                f"pictures {shown} ({size}), {args.steps} steps of {args.batch}: waits {waited:.2f} of {spent:.1f} s: "
                f"{waited / spent:.1%}; mark {MARK:.0%}: {reached}; the first batch took {alone:.2f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
