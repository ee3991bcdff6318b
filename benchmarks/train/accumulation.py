"""One optimisation step against open_clip's own training loop: samples a second, and growth of resident memory.

    python -m benchmarks.train.accumulation [--store STORE] [--batch 1024] [--rounds 3] [--threads 2]

The peer is `train_one_epoch` of the installed open_clip_train, with `--accum-freq` where the batch is larger than a
chunk, its loss (plain CLIP's) and its optimiser's settings. Both sides train the towers of recipe `small` from the
same weights, channels-last, with batch statistics frozen and the same gradient clipping, on the same pixels and tokens,
which lie in memory. What is timed is the step: towers, loss, gradients, optimiser. Reading pictures is not; that is
`loader.py`.

The peer takes titles padded to 77 tokens, as it ships, and cut to the longest title of all. Each side runs in a
process of its own, in turns; the first step of each warms up. Growth of memory is that of the process's peak over what
was resident before its first step.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import torch
from benchmarks.prepare.race import Race, Spent, timed
from benchmarks.train.shop import first_batch, load_batch, open_shop, save_batch

from eclip.model import presets
from eclip.model.encoder import Encoder
from eclip.train.batches import Batch
from eclip.train.config import TrainConfig, load_recipe
from eclip.train.ranks import Ranks
from eclip.train.step import TrainStep, freeze_batch_statistics

SHIPPED_LENGTH = 77  # open_clip's default
WARM_UP = 1
MARKS = {"padded": 3.0, "cut": 1.5}
MARK_WITHOUT_ACCUMULATION = 1.3
MARK_OF_MEMORY = 0.7


@dataclass(frozen=True)
class Ran:
    """What one process measured: a step's time (median of its steps), growth of memory in bytes, its first loss."""

    wall: float
    processor: float
    growth: int
    first_loss: float


def ours(encoder: Encoder, batch: Batch, config: TrainConfig) -> Callable[[int], float]:
    """A step as eclip takes it: number -> loss."""
    step = TrainStep.of(encoder, config, Ranks())
    return lambda number: step.take(batch, number=number, lr_factor=1.0)["loss"]


def theirs(encoder: Encoder, batch: Batch, config: TrainConfig) -> Callable[[int], float]:
    """A step as open_clip_train takes it."""
    import open_clip
    from open_clip_train.train import train_one_epoch

    module: Any = encoder.module
    module.output_dict = True
    freeze_batch_statistics(module)
    for part in module.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.train = lambda _=True, part=part: part  # train_one_epoch would wake it
    chunks = list(zip(batch.pixels.split(config.chunk_size), batch.tokens.split(config.chunk_size), strict=True))
    args = SimpleNamespace(
        device="cpu", precision="fp32", distill=False, accum_freq=len(chunks), skip_scheduler=True, horovod=False,
        grad_clip_norm=config.max_grad_norm, batch_size=config.chunk_size, world_size=1, rank=0, local_rank=0,
        log_every_n_steps=1, wandb=False,
    )  # fmt: skip
    decayed = [p for name, p in module.named_parameters() if p.ndim >= 2]
    others = [p for name, p in module.named_parameters() if p.ndim < 2]
    groups = [{"params": others, "weight_decay": 0.0}, {"params": decayed, "weight_decay": config.weight_decay}]
    optimizer = torch.optim.AdamW(groups, lr=config.pretrained_lr, betas=(0.9, 0.98), eps=1e-6)
    seen: list[float] = []

    class Loss(open_clip.ClipLoss):
        def forward(self, *features: Any, **options: Any) -> Any:
            found = super().forward(*features, **options)
            seen.append(found["contrastive_loss"].item())
            return found

    class Loader(list):
        num_batches, num_samples = len(chunks), len(batch)

    data = {"train": SimpleNamespace(set_epoch=lambda _: None, dataloader=Loader(chunks))}
    loss = Loss()

    def take(number: int) -> float:
        torch.manual_seed(number)
        train_one_epoch(module, data, loss, 0, optimizer, None, None, None, args)
        return seen[-1]

    return take


SIDES = {"ours": ours, "theirs": theirs}


def resident_bytes() -> int:
    """What the process holds in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def run_side(side: str, batch: Path, length: int, config: TrainConfig, *, steps: int, threads: int) -> Ran:
    """Measure one side, in this process."""
    torch.set_num_threads(threads)
    if side == "theirs":  # what eclip tells the C library is no part of the peer
        presets.keep_freed_memory = lambda: None
    encoder = presets.small([])
    pairs = load_batch(batch)
    pairs = dataclasses.replace(pairs, tokens=pairs.tokens[:, :length].contiguous())
    take = SIDES[side](encoder, pairs, config)
    before = resident_bytes()
    first_loss, spent = math.nan, []
    for number in range(WARM_UP + steps):
        loss, took = timed(lambda number=number: take(number))
        first_loss = loss if number == 0 else first_loss
        spent.append(took)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    timed_ones = spent[WARM_UP:]
    wall, processor = (median(getattr(one, kind) for one in timed_ones) for kind in ("wall", "processor"))
    return Ran(wall, processor, peak - before, first_loss)


def in_its_own_process(side: str, batch: Path, length: int, size: int, args: argparse.Namespace) -> Ran:
    """Measure one side in a new process."""
    options = {
        "side": side, "batch-file": batch, "length": length, "batch": size, "chunk": args.chunk, "kept": args.kept,
        "steps": args.steps, "threads": args.threads,
    }  # fmt: skip
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "benchmarks.train.accumulation", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Ran(**json.loads(done.stdout.splitlines()[-1]))


def compare(batch: Path, size: int, lengths: dict[str, int], marks: dict[str, float], args: argparse.Namespace) -> None:
    """Ours and the peer at each length in turns; prints times, ratios and memory."""
    kind = f"chunks of {args.chunk}" if size > args.chunk else "no accumulation"
    races = {
        name: Race(f"step of {size:,} pairs, {kind}, titles {name} ({length} tokens)", "open_clip", marks[name])
        for name, length in lengths.items()
    }
    growths: dict[str, list[int]] = {name: [] for name in (*lengths, "ours")}
    for _ in range(args.rounds):
        own = in_its_own_process("ours", batch, max(lengths.values()), size, args)
        growths["ours"].append(own.growth)
        losses = {"eclip": own.first_loss}
        for name, length in lengths.items():
            peer = in_its_own_process("theirs", batch, length, size, args)
            growths[name].append(peer.growth)
            losses[name] = peer.first_loss
            races[name].add(Spent(own.wall, own.processor), Spent(peer.wall, peer.processor))
    for name, race in races.items():
        mine, other = (median(growths[who]) for who in ("ours", name))
        reached = "reached" if mine <= MARK_OF_MEMORY * other else "MISSED"
        print(race)
        print(f"    {size / median(s.wall for s in race.ours):.1f} samples a second against "
              f"{size / median(s.wall for s in race.theirs):.1f}")  # fmt: skip
        print(f"    growth of resident memory {mine / 2**20:,.0f} MB against {other / 2**20:,.0f} MB: "
              f"{mine / other:.2f} of it; mark {MARK_OF_MEMORY} with accumulation: {reached}", flush=True)  # fmt: skip
    print("    first losses: " + ", ".join(f"{who} {loss:.4f}" for who, loss in losses.items()), flush=True)


def read_arguments() -> argparse.Namespace:
    """The command line; the options after `--side` are for the processes that this one starts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, help="prepared store; a sample shop is drawn without it")
    for name, default in {
        "batch": 1024, "chunk": 64, "kept": 0, "steps": 1, "rounds": 3, "threads": torch.get_num_threads(),
        "single": 64,
    }.items():  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--side", choices=tuple(SIDES))
    parser.add_argument("--batch-file", type=Path)
    parser.add_argument("--length", type=int)
    return parser.parse_args()


def recipe(args: argparse.Namespace) -> TrainConfig:
    """Recipe `small` in chunks of the size asked for."""
    return dataclasses.replace(
        load_recipe("small"),
        chunk_size=args.chunk,
        text_chunk_size=args.chunk,
        kept_graph_megabytes=args.kept,
        global_batch_size=args.batch,
    )


def main() -> None:
    """Read a batch, let both sides step on it, print."""
    args = read_arguments()
    if args.side:
        config = recipe(args)
        ran = run_side(args.side, args.batch_file, args.length, config, steps=args.steps, threads=args.threads)
        print(json.dumps(dataclasses.asdict(ran)))
        return
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        store, pairs = open_shop(args.store, scratch)
        encoder = presets.small(pairs.titles)
        longest = int((encoder.tokenize(pairs.titles) != encoder.pad_id).sum(dim=1).max())
        encoder.tokenize.context_length = SHIPPED_LENGTH
        lengths = {"padded": SHIPPED_LENGTH, "cut": longest}
        for size, marks in ((args.batch, MARKS), (args.single, {"cut": MARK_WITHOUT_ACCUMULATION})):
            if size:
                save_batch(first_batch(encoder, store, pairs, load_recipe("small"), size), scratch / "batch")
                compare(scratch / "batch", size, {name: lengths[name] for name in marks}, marks, args)


if __name__ == "__main__":
    main()
