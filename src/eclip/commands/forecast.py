"""What `--dry-run` says: how much a feed holds and how long it will take here; nothing is written."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from eclip.model.encoder import Encoder
    from eclip.products.feeds import Feed
    from eclip.products.prepare import FeedForecast
    from eclip.train.batches import Batch
    from eclip.train.config import TrainConfig
    from eclip.train.views import ViewsConfig

TRIAL_ROWS = 64  # listings that a trial step is timed on
SIZE_UNITS = ("B", "kB", "MB", "GB", "TB")
STARTING_SECONDS = 1.0  # of writing even the smallest store


@dataclass(frozen=True, kw_only=True)
class RunForecast:
    """What `eclip run --dry-run` says.

    Attributes:
        feed: What preparing will read and write.
        pairs: Products to train on, about.
        training_seconds: Expected time of training; None where nothing can be said before it begins.
        embedding_seconds: Expected time of embedding the store; likewise.
    """

    feed: FeedForecast
    pairs: int
    training_seconds: float | None
    embedding_seconds: float | None


def forecast_run(feed: Feed, feeding: dict[str, Any], training: dict[str, Any], minutes: float | None) -> RunForecast:
    """Read the first rows, take a trial step on them on this machine, and scale both up.

    Args:
        feed: The opened feed.
        feeding: Arguments of `prepare_store`.
        training: Arguments of `train`, without its length.
        minutes: Longest time for training.
    """
    from eclip.products.listings import read_listings
    from eclip.products.prepare import plan_feed
    from eclip.schema import SPLIT_SHARES
    from eclip.train.recipes import load_recipe

    config = load_recipe(training["recipe"], encoder=training["encoder"], seed=training["seed"])
    plan = plan_feed(feed, **feeding)
    reading = {**feeding, "fetch_images": "none"}
    rows = next(read_listings(feed, batch_size=TRIAL_ROWS, **reading)).select(["title", "image"]).to_pylist()
    views = config.views
    seen = [r for r in rows if (r["title"] or not views.need_titles) and (r["image"] or not views.need_pictures)]
    pairs = round(plan.rows * len(seen) / len(rows) * SPLIT_SHARES[0])
    init = Path(training["init"]) if training["init"] else None
    trial = _trial(config, seen, init) if len(seen) > 1 else None
    seconds = None if trial is None else pairs * (trial.once + config.epochs * trial.step)
    if minutes is not None:
        seconds = min(seconds if seconds is not None else math.inf, minutes * 60)
    return RunForecast(
        feed=plan,
        pairs=pairs,
        training_seconds=seconds,
        embedding_seconds=None if trial is None else plan.rows * trial.look,
    )


def forecast_facts(forecast: FeedForecast | RunForecast) -> list[tuple[str, object]]:
    """A forecast as a person reads it."""
    feed = forecast.feed if isinstance(forecast, RunForecast) else forecast
    fields = ", ".join(f"{name}={column}" for name, column in feed.columns["fields"].items())
    attributes = [*feed.columns["attributes"], *feed.columns["attribute_columns"]]
    facts: list[tuple[str, object]] = [
        ("rows", feed.rows),
        ("store on disk", f"about {in_bytes(feed.num_bytes)}"),
        ("columns", fields),
        *([("taken for an export of", feed.platform)] if feed.platform else []),
        ("attributes from", ", ".join(attributes) or "no column"),
        ("category levels parted by", feed.category_separator),
    ]
    facts += [(f"rejected of the first rows: {reason}", count) for reason, count in feed.rejected.items()]
    facts.append(("preparing", f"about {in_time(feed.seconds + STARTING_SECONDS)}"))
    if isinstance(forecast, RunForecast):
        facts += [
            ("pairs to train on", f"about {forecast.pairs:,}"),
            ("training", _about(forecast.training_seconds) if forecast.pairs else "not possible without pairs"),
            ("embedding", _about(forecast.embedding_seconds)),
            ("fitting and the report", "comes on top"),
        ]
    return facts


def in_bytes(num_bytes: float) -> str:
    """As a person reads sizes: 980 kB, 3.4 GB."""
    power = min(int(math.log10(max(num_bytes, 1))) // 3, len(SIZE_UNITS) - 1)
    value = num_bytes / 1000**power
    return f"{value:.1f} {SIZE_UNITS[power]}" if value < 10 and power else f"{value:,.0f} {SIZE_UNITS[power]}"


def in_time(seconds: float) -> str:
    """As a person reads durations: 5 s, 12 min, 2.5 h."""
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    if seconds < 100 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def _about(seconds: float | None) -> str:
    return "can't be said before it begins" if seconds is None else f"about {in_time(seconds)}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a trial took, seconds.

    Attributes:
        once: A pair, before training: a frozen picture trunk.
        step: A pair, each time that it is trained on.
        look: A row, of embedding.
    """

    once: float
    step: float
    look: float


def _trial(config: TrainConfig, rows: list[dict[str, Any]], init: Path | None) -> Trial | None:
    """A short training on some listings; None for towers that must be fetched first."""
    from eclip.model.presets import PRESETS
    from eclip.train.trainer import start_encoder

    if init is None and config.encoder not in PRESETS:
        return None
    import numpy as np
    import torch

    from eclip.model.encoder import default_device
    from eclip.model.trunks import lock_trunk
    from eclip.train.picturecache import trunk_vectors
    from eclip.train.ranks import Ranks
    from eclip.train.step import TrainStep

    titles, images = [row["title"] for row in rows], [row["image"] for row in rows]
    encoder = start_encoder(config, titles, init=init)
    encoder.module.to(device=default_device(), memory_format=torch.channels_last)
    pooled, once = None, 0.0
    if config.locked.pictures:
        lock_trunk(encoder.module.visual)
        started = time.monotonic()
        vectors = trunk_vectors(encoder, lambda some: [images[row] for row in some], np.arange(len(images)))
        pooled, once = torch.from_numpy(vectors), time.monotonic() - started
    step = TrainStep.of(encoder, config, Ranks())
    spent = []
    for _ in range(2):  # the first step warms up
        started = time.monotonic()
        step.take(_trial_batch(encoder, titles, images, config.views, pooled), number=0, lr_factor=1.0)
        spent.append(time.monotonic() - started)
    started = time.monotonic()
    encoder.encode_products(titles, images)
    looking = time.monotonic() - started
    return Trial(once=once / len(rows), step=spent[-1] / len(rows), look=looking / len(rows))


def _trial_batch(
    encoder: Encoder,
    titles: list[str | None],
    images: list[bytes | None],
    views: ViewsConfig,
    pooled: torch.Tensor | None,
) -> Batch:
    """These listings as a batch that costs what one of a run does: where a view wants mates, each stands in for one.

    `pooled` is what a frozen trunk says of the pictures, [n, F]; where it is None they are decoded each time.
    """
    import torch
    from PIL import Image

    from eclip.model.encoder import open_picture
    from eclip.train.batches import Batch, Stream

    pixels = torch.zeros(0, 3, 1, 1) if pooled is None else pooled
    if views.need_pictures and pooled is None:
        opened = [open_picture(image) or Image.new("RGB", (8, 8), "white") for image in images]
        pixels = torch.stack([encoder.transform(picture) for picture in opened])
    tokens = encoder.tokenize([title or "" for title in titles])
    everyone = torch.arange(len(titles))
    return Batch(
        pixels=pixels,
        tokens=tokens,
        groups=everyone,
        weights=torch.ones(len(titles)),
        mate_pictures=Stream(inputs=pixels, rows=everyone) if views.picture_picture else None,
        mate_titles=Stream(inputs=tokens, rows=everyone) if views.title_title else None,
    )
