"""The loss alone, forward and backward: tiles against the dense matrix, time and extra memory; then how tiles grow.

    python -m benchmarks.train.loss [--rows 16384] [--dim 512] [--rounds 3] [--threads 2] [--largest 131072]

Both compute the soft-label contrastive loss of B pairs (a tenth of them in loss groups of two) and its gradients for
features and logit scale. The dense version is plain torch: the matrix of cosines, the targets written out, cross
entropy both ways, autograd. Each runs in a process of its own, in turns; the first, small batch warms up. Extra memory
is the growth of the process's peak over what was resident before, features included.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from benchmarks.prepare.race import Race, Spent, timed
from torch.nn import functional as F

from eclip.model.memory import keep_freed_memory
from eclip.train.ranks import Ranks
from eclip.train.targets import TargetConfig, Targets
from eclip.train.tiles import Gathered, softmax_gradients

WARM_UP_ROWS = 2_048
SCALE = 20.0
MARK_OF_MEMORY = 1 / 20
Computed = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Ran:
    """What one process measured: seconds, growth of memory in bytes, the loss and a sum of gradients."""

    wall: float
    processor: float
    growth: int
    loss: float
    gradients: float


def drawn(rows: int, dim: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Unit features of pictures and titles that go together a little, and loss groups."""
    draw = torch.Generator().manual_seed(0)
    image = torch.randn(rows, dim, generator=draw)
    text = torch.randn(rows, dim, generator=draw).add_(image)
    groups = torch.arange(rows)
    groups[: rows // 20] = torch.arange(rows // 2, rows // 2 + rows // 20)
    return F.normalize(image, dim=-1), F.normalize(text, dim=-1), groups


def tiled(image: torch.Tensor, text: torch.Tensor, groups: torch.Tensor) -> Computed:
    """As a training step computes it."""
    targets = Targets.of_groups(groups, TargetConfig())
    weights = torch.ones(len(image))
    batch = Gathered(image=image, text=text, weights=weights, targets=targets, ranks=Ranks())
    found = softmax_gradients(batch, torch.tensor(SCALE))
    return found.loss, found.image.abs().sum() + found.text.abs().sum() + found.logit_scale.abs()


def dense(image: torch.Tensor, text: torch.Tensor, groups: torch.Tensor) -> Computed:
    """The whole matrix and autograd."""
    image, text, scale = (leaf.requires_grad_() for leaf in (image, text, torch.tensor(SCALE)))
    same = (groups[:, None] == groups[None]).float()
    same /= same.sum(dim=1, keepdim=True)
    logits = scale * image @ text.T
    loss = (F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)) / 2
    loss.backward()
    assert image.grad is not None
    assert text.grad is not None
    assert scale.grad is not None
    return loss.detach(), image.grad.abs().sum() + text.grad.abs().sum() + scale.grad.abs()


SIDES: dict[str, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], Computed]] = {"tiled": tiled, "dense": dense}


def run_side(side: str, rows: int, dim: int, threads: int) -> Ran:
    """Measure one side, in this process."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    SIDES[side](*drawn(WARM_UP_ROWS, dim))
    features = drawn(rows, dim)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here: drawing needed memory too
    before = _status_bytes("VmRSS")
    (loss, gradients), spent = timed(lambda: SIDES[side](*features))
    growth = _status_bytes("VmHWM") - before
    return Ran(spent.wall, spent.processor, growth, loss.item(), gradients.item())


def _status_bytes(name: str) -> int:
    """A figure of this process's memory as the system counts it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1]) << 10


def in_its_own_process(side: str, rows: int, args: argparse.Namespace) -> Ran:
    """Measure one side in a new process."""
    options = {"side": side, "rows": rows, "dim": args.dim, "threads": args.threads}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.train.loss", *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    return Ran(**json.loads(done.stdout.splitlines()[-1]))


def compare(args: argparse.Namespace) -> None:
    """Tiles against the dense matrix."""
    race = Race(f"loss and gradients of {args.rows:,} pairs, {args.dim} dimensions", "dense", 1.0)
    runs: dict[str, list[Ran]] = {side: [] for side in SIDES}
    for _ in range(args.rounds):
        for side in SIDES:
            runs[side].append(in_its_own_process(side, args.rows, args))
        race.add(*(Spent(each[-1].wall, each[-1].processor) for each in runs.values()))
    ours, theirs = (median(run.growth for run in each) for each in runs.values())
    reached = "reached" if ours <= MARK_OF_MEMORY * theirs else "MISSED"
    print(race)
    print(f"    extra memory {ours / 2**20:,.0f} MB against {theirs / 2**20:,.0f} MB: 1/{theirs / ours:.0f}; "
          f"mark 1/20: {reached}")  # fmt: skip
    for side, each in runs.items():
        print(f"    {side}: loss {each[-1].loss:.6f}, sum of absolute gradients {each[-1].gradients:.5g}", flush=True)


def show_growth(args: argparse.Namespace) -> None:
    """Time and memory of the tiles alone, doubling the batch."""
    print(f"{'pairs':>8} {'seconds':>8} {'processor':>10} {'extra MB':>9} {'bytes a pair':>13} {'one matrix, MB':>15}")
    rows = min(args.rows, args.largest)
    while rows <= args.largest:
        ran = in_its_own_process("tiled", rows, args)
        matrix = rows * rows * 4 / 2**20
        figures = f"{ran.wall:>8.1f} {ran.processor:>10.1f} {ran.growth / 2**20:>9.0f} {ran.growth / rows:>13,.0f}"
        print(f"{rows:>8,} {figures} {matrix:>15,.0f}", flush=True)
        rows *= 2


def main() -> None:
    """Compare, then let the batch grow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {
        "rows": 16_384, "dim": 512, "rounds": 3, "threads": torch.get_num_threads(), "largest": 131_072,
    }.items():  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--side", choices=tuple(SIDES))
    args = parser.parse_args()
    if args.side:
        print(json.dumps(dataclasses.asdict(run_side(args.side, args.rows, args.dim, args.threads))))
        return
    compare(args)
    show_growth(args)


if __name__ == "__main__":
    main()
