"""The figures of docs/method.md, drawn from the program's own functions and a trained model of the sample shop.

eclip sample shop --products 2500 --sellers 30
eclip prepare shop/feed.csv --store shop/store
eclip train shop/store --out shop/model --recipe locked --set epochs=12
eclip embed shop/store --model shop/model
python benchmarks/docs/method_figures.py shop/store --model shop/model --out docs/images
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from PIL import Image
from safetensors.numpy import load_file

from eclip.model.folder import read_manifest
from eclip.products.store import Store
from eclip.schema import MODEL_WEIGHTS
from eclip.train.batchsizes import BatchSizes, coupled_rate
from eclip.train.pairs import Pairs, category_numbers, read_training_pairs
from eclip.train.sampler import Sampler
from eclip.train.schedules import warmup_cosine
from eclip.train.targets import TargetConfig, Targets
from eclip.train.views import ViewsConfig
from eclip.vectors import vectors_from_arrow

ALL_VIEWS = ViewsConfig(title_title=1.0, picture_picture=1.0)
NUM_SHOWN = 12  # products of the label figure
NUM_IN_STREAMS = 24
BATCH, BLOCK = 64, 8
SCHEDULE = ((0.0, 64), (1 / 3, 256), (2 / 3, 1024))
BASE_BATCH, BASE_RATE, WARMUP = 256, 1e-3, 0.05
DATA_COLOUR, QUIET = "#00796b", "#b0bec5"


def _cosines(store: Store, model: Path, rows: np.ndarray) -> np.ndarray:
    """Pictures of these rows [n] against their titles: [n, n]."""
    table = store.vectors(model_digest=read_manifest(model)["digest"])
    pictures, titles = (vectors_from_arrow(table[name].take(rows)) for name in ("image_embedding", "text_embedding"))
    return pictures @ titles.T


def _grouped_first(pairs: Pairs, count: int) -> np.ndarray:
    """Places of `count` pairs: two groups of three, two of two, and others that stand alone."""
    both = np.flatnonzero(pairs.has_picture & pairs.has_title)
    groups, counts = np.unique(pairs.groups[both], return_counts=True)
    chosen: list[int] = []
    for size, wanted in ((3, 2), (2, 2)):
        for group in groups[counts == size][:wanted]:
            chosen += both[pairs.groups[both] == group].tolist()
    alone = both[np.isin(pairs.groups[both], groups[counts == 1])]
    return np.array([*chosen, *alone[:: max(len(alone) // count, 1)]][:count])


def draw_labels(store: Store, model: Path, pairs: Pairs, out: Path) -> None:
    """What plain CLIP wants of a batch, what soft labels want, and what a trained model says."""
    places = _grouped_first(pairs, NUM_SHOWN)
    rows = pairs.rows[places]
    groups = torch.from_numpy(pairs.groups[places])
    unit = torch.eye(len(places))
    scale = float(np.exp(load_file(model / MODEL_WEIGHTS)["logit_scale"]))
    said = torch.from_numpy(scale * _cosines(store, model, rows)).softmax(dim=1)
    panels = (
        ("plain CLIP wants", Targets.of_groups(groups, TargetConfig(kind="identity")).pull(unit)),
        ("soft labels want", Targets.of_groups(groups, TargetConfig()).pull(unit)),
        ("the trained model says", said),
    )
    figure, axes = plt.subplots(1, 3, figsize=(11, 4.4), layout="constrained")
    pictures = store.images(rows.tolist())
    for axis, (title, wanted) in zip(axes, panels, strict=True):
        shown = axis.imshow(wanted.numpy(), cmap="GnBu", vmin=0, vmax=1)
        axis.set(title=title, xticks=[], yticks=[], xlabel="titles")
        axis.xaxis.labelpad = 2
        for place, picture in enumerate(pictures):
            with Image.open(io.BytesIO(picture or b"")) as opened:
                opened.thumbnail((40, 40))
                box = OffsetImage(np.asarray(opened.convert("RGB")), zoom=0.42)
            axis.add_artist(AnnotationBbox(box, (-1.15, place), frameon=False, annotation_clip=False))
    figure.colorbar(shown, ax=axes, shrink=0.7, label="share of the picture's target")
    figure.savefig(out / "method-labels.png", dpi=110)
    plt.close(figure)


def draw_blocks(store: Store, model: Path, pairs: Pairs, out: Path) -> None:
    """The same model's cosines within a batch of strangers, and within one of category blocks."""
    categories = category_numbers(pairs, "leaf")
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 4.6), layout="constrained")
    for axis, share in zip(axes, (0.0, 1.0), strict=True):
        sampler = Sampler(
            categories=categories,
            groups=pairs.groups,
            seed=0,
            block_size=BLOCK,
            group_cap=2,
            block_share=lambda _epoch, share=share: share,
        )
        chosen = sampler.pairs(0, BATCH)
        same = categories[chosen][:, None] == categories[chosen]
        others = ~np.eye(BATCH, dtype=bool)
        cosines = _cosines(store, model, pairs.rows[chosen])
        known = np.isfinite(cosines) & others
        shown = axis.imshow(cosines, cmap="RdBu_r", vmin=-0.8, vmax=0.8)
        axis.set(
            title=f"{'blocks of ' + str(BLOCK) if share else 'drawn at random'}: a stranger shares the\n"
            f"category in {same[others].mean():.1%}; hardest stranger's cosine {_hardest(cosines, known):.2f}",
            xticks=[],
            yticks=[],
            xlabel="titles",
            ylabel="pictures",
        )
    figure.colorbar(shown, ax=axes, shrink=0.8, label="cosine")
    figure.savefig(out / "method-blocks.png", dpi=110)
    plt.close(figure)


def _hardest(cosines: np.ndarray, known: np.ndarray) -> float:
    """Mean over pictures of the greatest cosine with another one's title."""
    return float(np.where(known, cosines, -1).max(axis=1)[known.any(axis=1)].mean())


def draw_streams(pairs: Pairs, out: Path) -> None:
    """What each product of a batch brings, and which terms contrast what: one batch, up to four streams."""
    grouped = _grouped_first(pairs, NUM_IN_STREAMS // 2)
    lone = np.setdiff1d(np.arange(len(pairs)), grouped)
    chosen = np.concatenate([grouped, np.random.default_rng(0).choice(lone, NUM_IN_STREAMS // 2, replace=False)])
    title_mates, picture_mates = pairs.title_mates, pairs.picture_mates
    if title_mates is None or picture_mates is None:
        raise SystemExit("the pairs were read without the views of mates")
    streams = {
        "picture": pairs.has_picture[chosen],
        "title": pairs.has_title[chosen],
        "another title\nof its group": title_mates.num_choices[chosen] > 0,
        "another picture\nof its group": picture_mates.num_choices[chosen] > 0,
    }
    figure, axis = plt.subplots(figsize=(8.5, 3.6), layout="constrained")
    present = np.stack(list(streams.values()))
    colours = mpl.colors.ListedColormap(["white", DATA_COLOUR])
    places = np.arange(len(chosen)), np.arange(len(streams))
    axis.pcolormesh(*places, present, cmap=colours, edgecolors=QUIET, linewidth=1, shading="nearest")
    axis.invert_yaxis()
    axis.tick_params(length=0)
    names = [f"{name}  ({int(has.sum())} of {len(chosen)})" for name, has in streams.items()]
    axis.set(yticks=range(len(streams)), yticklabels=names, xticks=[], xlabel="products of a batch")
    right = len(chosen) + 0.3
    terms = (("picture_title", (0, 1)), ("title_title", (1, 2)), ("picture_picture", (0, 3)))
    for number, (term, (first, second)) in enumerate(terms):
        across = right + 2.6 * number
        axis.annotate("", (across, first), (across, second), annotation_clip=False, arrowprops={"arrowstyle": "<->"})
        axis.text(across + 0.3, (first + second) / 2, term, rotation=90, va="center", fontsize=8)
    axis.set_xlim(-0.5, right + 8)
    for side in axis.spines.values():
        side.set_visible(False)
    figure.savefig(out / "method-streams.png", dpi=110)
    plt.close(figure)


def draw_schedule(out: Path) -> None:
    """Batch size and learning rate over a run."""
    progress = np.linspace(0, 1, 600)
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.2), layout="constrained")
    for growth, style in (("steps", "-"), ("linear", "--")):
        sizes = BatchSizes(points=SCHEDULE, growth=growth, multiple_of=BLOCK, most=10**6)  # type: ignore[arg-type]
        axes[0].plot(progress, [sizes.at(p) for p in progress], style, color=DATA_COLOUR, label=f'growth = "{growth}"')
    axes[0].set(title="pairs of a step", xlabel="progress of the run", yscale="log", yticks=[64, 256, 1024])
    axes[0].set_yticks([64, 256, 1024], ["64", "256", "1,024"])
    axes[0].legend()
    sizes = BatchSizes(points=SCHEDULE, growth="steps", multiple_of=BLOCK, most=10**6)
    for coupling, style in (("none", ":"), ("sqrt", "-"), ("linear", "--")):
        rates = [
            BASE_RATE * warmup_cosine(p, warmup_share=WARMUP) * coupled_rate(coupling, sizes.at(p), base=BASE_BATCH)  # type: ignore[arg-type]
            for p in progress
        ]
        axes[1].plot(progress, rates, style, color=DATA_COLOUR, label=f'lr_coupling = "{coupling}"')
    axes[1].set(title="learning rate", xlabel="progress of the run", ylim=(0, 1.7 * BASE_RATE))
    axes[1].legend(loc="upper right")
    figure.savefig(out / "method-schedule.png", dpi=110)
    plt.close(figure)


def main() -> None:
    """Draw all four."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    mpl.use("agg")
    store = Store.open(args.store)
    pairs = read_training_pairs(store, ALL_VIEWS)
    draw_labels(store, args.model, pairs, args.out)
    draw_blocks(store, args.model, read_training_pairs(store), args.out)
    draw_streams(pairs, args.out)
    draw_schedule(args.out)


if __name__ == "__main__":
    main()
