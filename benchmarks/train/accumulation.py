"""One optimisation step against open_clip's own training loop: samples a second, and growth of resident memory.

    python -m benchmarks.train.accumulation [--store STORE] [--batch 1024] [--rounds 3] [--threads 2]

The peer is `train_one_epoch` of the installed open_clip_train, with `--accum-freq` where the batch is larger than a
chunk, its loss (plain CLIP's) and its optimiser's settings. Both sides train the towers of recipe `small` from the
same weights, channels-last, with batch statistics frozen and the same gradient clipping, on the same pixels and tokens,
which lie in memory. What is timed is the step: towers, loss, gradients, optimiser. Reading pictures is not; that is
`loader.py`.

Ours runs a second time without its short cuts through layers (`memory.quick_layers = false`).
The peer takes titles padded to 77 tokens, as it ships, and cut to the longest title of all. Each side runs in a
process of its own, in turns; a step on one chunk warms up. Growth of memory is that of the process's peak over what
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
from eclip.train.config import TrainConfig
from eclip.train.ranks import Ranks
from eclip.train.recipes import load_recipe
from eclip.train.statistics import freeze_batch_statistics
from eclip.train.step import TrainStep

SHIPPED_LENGTH = 77  # open_clip's default
MARKS = {"padded": 3.0, "cut": 1.5}
MARK_WITHOUT_ACCUMULATION = 1.3
MARK_OF_MEMORY = 0.7


@dataclass(frozen=True)
class Ran:
    """What one process measured: a step's time (median of its steps), growth of memory in bytes, its last loss."""

    wall: float
    processor: float
    growth: int
    loss: float


def ours(encoder: Encoder, config: TrainConfig) -> Callable[[Batch], float]:
    """A step as eclip takes it: batch -> loss."""
    step = TrainStep.of(encoder, config, Ranks())
    return lambda batch: step.take(batch, number=0, lr_factor=1.0)["loss"]


def theirs(encoder: Encoder, config: TrainConfig) -> Callable[[Batch], float]:
    """A step as open_clip_train takes it."""
    import open_clip
    from open_clip_train.train import train_one_epoch

    module: Any = encoder.module
    module.output_dict = True
    freeze_batch_statistics(module)
    for part in module.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.train = lambda _=True, part=part: part  # train_one_epoch would wake it
    chunk_size = config.memory.chunk_size
    args = SimpleNamespace(
        device="cpu", precision="fp32", distill=False, skip_scheduler=True, horovod=False, batch_size=chunk_size,
        grad_clip_norm=config.optimizer.max_grad_norm, world_size=1, rank=0, local_rank=0, log_every_n_steps=1,
        wandb=False,
    )  # fmt: skip
    decayed = [p for name, p in module.named_parameters() if p.ndim >= 2]
    others = [p for name, p in module.named_parameters() if p.ndim < 2]
    groups = [
        {"params": others, "weight_decay": 0.0},
        {"params": decayed, "weight_decay": config.optimizer.weight_decay},
    ]
    optimizer = torch.optim.AdamW(groups, lr=config.optimizer.pretrained_lr, betas=(0.9, 0.98), eps=1e-6)
    seen: list[float] = []

    class Loss(open_clip.ClipLoss):
        def forward(self, *features: Any, **options: Any) -> Any:
            found = super().forward(*features, **options)
            seen.append(found["contrastive_loss"].item())
            return found

    class Loader(list):
        num_batches, num_samples = property(len), property(lambda chunks: sum(len(pixels) for pixels, _ in chunks))

    loss = Loss()

    def take(batch: Batch) -> float:
        chunks = Loader(zip(batch.pixels.split(chunk_size), batch.tokens.split(chunk_size), strict=True))
        args.accum_freq = len(chunks)
        data = {"train": SimpleNamespace(set_epoch=lambda _: None, dataloader=chunks)}
        train_one_epoch(module, data, loss, 0, optimizer, None, None, None, args)
        return seen[-1]

    return take


SIDES = {"ours": ours, "slow layers": ours, "theirs": theirs}


def resident_bytes() -> int:
    """What the process holds in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def run_side(side: str, batch: Path, length: int, config: TrainConfig, *, steps: int, threads: int) -> Ran:
    """Measure one side, in this process."""
    torch.set_num_threads(threads)
    if side == "theirs":  # what eclip tells the C library is no part of the peer
        presets.keep_freed_memory = lambda: None
    torch.manual_seed(0)  # for the layers that start from scratch
    encoder = presets.small([])
    pairs = load_batch(batch)
    pairs = dataclasses.replace(pairs, tokens=pairs.tokens[:, :length].contiguous())
    take = SIDES[side](encoder, config)
    before = resident_bytes()
    take(
        Batch(
            **{name: values[: config.memory.chunk_size] for name, values in vars(pairs).items() if values is not None}
        )
    )  # warms up
    loss, spent = math.nan, []
    for _ in range(steps):
        loss, took = timed(lambda: take(pairs))
        spent.append(took)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    wall, processor = (median(getattr(one, kind) for one in spent) for kind in ("wall", "processor"))
    return Ran(wall, processor, peak - before, loss)


def in_its_own_process(side: str, batch: Path, length: int, size: int, args: argparse.Namespace) -> Ran:
    """Measure one side in a new process."""
    options = {
        "side": side, "batch-file": batch, "length": length, "batch": size, "chunk": args.chunk, "kept": args.kept,
        "steps": args.steps, "threads": args.threads,
    }  # fmt: skip
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "benchmarks.train.accumulation", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Ran(**json.loads(done.stdout.splitlines()[-1]))


def compare(batch: Path, size: int, lengths: dict[str, int], marks: dict[str, float], args: argparse.Namespace) -> None:
    """Ours and the peer at each length in turns; prints times, ratios and memory."""
    kind = f"chunks of {args.chunk}" if size > args.chunk else "no accumulation"
    races = {
        name: Race(f"step of {size:,} pairs, {kind}, titles {name} ({length} tokens)", "open_clip", marks[name])
        for name, length in lengths.items()
    }
    slow = Race(f"step of {size:,} pairs, {kind}, short cuts through layers", "without them", 1.0)
    growths: dict[str, list[int]] = {name: [] for name in (*lengths, "ours", "slow layers")}
    for _ in range(args.rounds):
        own, own_slow = (
            in_its_own_process(side, batch, max(lengths.values()), size, args) for side in ("ours", "slow layers")
        )
        growths["ours"].append(own.growth)
        growths["slow layers"].append(own_slow.growth)
        slow.add(Spent(own.wall, own.processor), Spent(own_slow.wall, own_slow.processor))
        losses = {"eclip": own.loss, "eclip without short cuts": own_slow.loss}
        for name, length in lengths.items():
            peer = in_its_own_process("theirs", batch, length, size, args)
            growths[name].append(peer.growth)
            losses[name] = peer.loss
            races[name].add(Spent(own.wall, own.processor), Spent(peer.wall, peer.processor))
    print(slow)
    print(f"    growth of resident memory {median(growths['ours']) / 2**20:,.0f} MB against "
          f"{median(growths['slow layers']) / 2**20:,.0f} MB")  # fmt: skip
    for name, race in races.items():
        mine, other = (median(growths[who]) for who in ("ours", name))
        reached = "reached" if mine <= MARK_OF_MEMORY * other else "MISSED"
        print(race)
        print(f"    {size / median(s.wall for s in race.ours):.1f} samples a second against "
              f"{size / median(s.wall for s in race.theirs):.1f}")  # fmt: skip
        print(f"    growth of resident memory {mine / 2**20:,.0f} MB against {other / 2**20:,.0f} MB: "
              f"{mine / other:.2f} of it; mark {MARK_OF_MEMORY} with accumulation: {reached}", flush=True)  # fmt: skip
    print("    last losses: " + ", ".join(f"{who} {loss:.4f}" for who, loss in losses.items()), flush=True)


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


def recipe(side: str, size: int, args: argparse.Namespace) -> TrainConfig:
    """Recipe `small` in chunks of the size asked for; a batch that is one chunk keeps its graph, as by default."""
    return load_recipe("small").changed(
        {
            "batch.size": size,
            "memory.chunk_size": args.chunk,
            "memory.text_chunk_size": args.chunk,
            "memory.kept_graph_megabytes": args.kept if size > args.chunk else 1024,
            "memory.quick_layers": side == "ours",
        }
    )


def main() -> None:
    """Read a batch, let both sides step on it, print."""
    args = read_arguments()
    if args.side:
        config = recipe(args.side, args.batch, args)
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
