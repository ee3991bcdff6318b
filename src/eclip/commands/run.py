"""`eclip run`: the main job, from a feed to a report. Each stage that is done is not done again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eclip.commands.arguments import FeedArgument, require_folder, require_positive, require_seed
from eclip.commands.embed import embed
from eclip.commands.evaluate import EvaluateSummary, evaluate, read_evaluation
from eclip.commands.fit import fit
from eclip.commands.forecast import RunForecast, forecast_run
from eclip.commands.prepare import FetchImages, prepare
from eclip.commands.runrecord import RUN_RECORD, RunRecord
from eclip.commands.stages import Stages, model_digest, store_digest, tree_digest, vectors_digest, weights_digest
from eclip.commands.train import train
from eclip.console import say
from eclip.errors import OtherRunError

STAGES_DONE = "run.json"


@dataclass(frozen=True)
class RunSummary:
    """Where everything lies, and the figures."""

    store: Path
    model: Path
    evaluation: EvaluateSummary


def run(
    feed: FeedArgument,
    /,
    *,
    out: Path,
    images: Path | None = None,
    columns: str = "",
    category_separator: str | None = None,
    sql: str | None = None,
    platform: str | None = None,
    fetch_images: FetchImages = "public",
    skip_title_rules: str = "",
    recipe: str = "small",
    encoder: str | None = None,
    init: Path | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    compare_clip: bool = False,
    dry_run: bool = False,
) -> RunSummary | RunForecast:
    """The main job: from a feed to a store, a model, five tasks and a report.

    Stopped at any time, the same command goes on where it was.

    Args:
        feed: The products, as `eclip prepare` reads them.
        out: Folder to make: store, model, report.
        images: Folder of the pictures that the feed names; the feed's own folder by default.
        columns: NAME=COLUMN,... as in `eclip prepare`.
        category_separator: What parts the levels of a category path, as in `eclip prepare`.
        sql: One SELECT, where FEED is a database, as in `eclip prepare`.
        platform: Whose export it is, as in `eclip prepare`.
        fetch_images: Which addresses of pictures are fetched, as in `eclip prepare`.
        skip_title_rules: NAME,... : rules for titles to leave out, as in `eclip prepare`.
        recipe: tiny (from scratch, minutes), small (pretrained towers), locked (frozen picture trunk), text (titles
            alone), base or paper (GPUs), or a FILE.toml.
        encoder: Any open_clip model under the recipe.
        init: Model folder to continue from.
        minutes: Longest time for training; default: the recipe's epochs.
        seed: Decides everything random, whatever the recipe says; default: the recipe's.
        compare_clip: Train a second model with plain CLIP's loss for as many steps, for the report.
        dry_run: Only say rows, bytes and expected time.
    """
    require_positive("minutes", minutes)
    require_seed(seed)
    feeding: dict[str, Any] = {
        "images": Path(images) if images else None,
        "columns": columns,
        "category_separator": category_separator,
        "skip_title_rules": skip_title_rules,
    }
    training: dict[str, Any] = {"recipe": str(recipe), "encoder": encoder, "init": init, "seed": seed}
    reading = {"sql": sql, "platform": platform}
    if dry_run:
        from eclip.products.feeds import open_feed

        return forecast_run(open_feed(feed, **reading), feeding, training, minutes)
    feeding |= reading | {"fetch_images": fetch_images}
    return run_stages(feed, Path(out), feeding, training, minutes=minutes, compare_clip=compare_clip)


def run_stages(
    feed: str | Path,
    out: Path,
    feeding: dict[str, Any],
    training: dict[str, Any],
    *,
    minutes: float | None,
    compare_clip: bool,
) -> RunSummary:
    """The story of the main job, stage by stage.

    Args:
        feed: The feed.
        out: Folder of all artefacts.
        feeding: Arguments of `prepare`.
        training: Arguments of `train`, without its length.
        minutes: Length of the training.
        compare_clip: Also train with plain CLIP's loss for as many steps.
    """
    from eclip.model.folder import read_manifest
    from eclip.products.feeds import feed_facts
    from eclip.schema import MODEL_TASKS

    require_folder("out", out)
    config = _training_config(training)  # a wrong recipe is told before anything long begins
    seed = config["seed"]
    store, model, clip, report = out / "store", out / "model", out / "plain_clip", out / "report"
    tasks = model / MODEL_TASKS
    told = {"feed": feed_facts(feed), "feeding": feeding, "training": {**config, "minutes": minutes}, "seed": seed}
    stages = Stages(out / STAGES_DONE, RunRecord(out / RUN_RECORD, told))
    prepared = stages.do(
        "prepare",
        {**feed_facts(feed), **feeding, **_pictures(feed, feeding)},
        lambda: store_digest(store),
        lambda: prepare(feed, store=store, **feeding),
    )
    pairs = _pairs(store, prepared)
    trained = stages.do(
        "train",
        {**config, "minutes": minutes, **pairs},
        lambda: model_digest(model),
        lambda: _train_anew(store, out=model, minutes=minutes, **training),
    )
    compared = None
    if compare_clip:
        steps = read_manifest(model)["facts"]["run_steps"]
        compared = stages.do(
            "plain CLIP",
            {**config, "steps": steps, **pairs},
            lambda: model_digest(clip),
            lambda: _train_anew(store, out=clip, steps=steps, plain_clip=True, **training),
        )
    reads = {"store": prepared, "model": trained}
    stages.do("embed", reads, lambda: vectors_digest(store), lambda: embed(store, model=model))
    fitted = stages.do(
        "fit", {**reads, "seed": seed}, lambda: tree_digest(tasks), lambda: fit(store, model=model, seed=seed)
    )
    stages.do(
        "evaluate",
        {**reads, "seed": seed, "tasks": fitted, "compare": compared},
        lambda: tree_digest(report),
        lambda: evaluate(store, model=model, out=report, compare=clip if compared else None, seed=seed),
    )
    return RunSummary(store, model, read_evaluation(report))


def _pairs(store: Path, prepared: str) -> dict[str, str]:
    """What training reads of the store: its content, and what a check of the pairs has left of their weights."""
    weights = weights_digest(store)
    return {"store": prepared, **({"weights": weights} if weights else {})}


def _pictures(feed: str | Path, feeding: dict[str, Any]) -> dict[str, str]:
    """What tells that pictures changed under the same names; nothing of a database, which would be asked again."""
    from eclip.products.feeds import open_feed
    from eclip.products.picturefacts import picture_facts

    if feeding.get("sql"):
        return {}
    opened = open_feed(feed, platform=feeding.get("platform"))
    return {"pictures": picture_facts(opened, images=feeding.get("images"), columns=feeding.get("columns", ""))}


def _train_anew(store: Path, *, out: Path, **settings: Any) -> None:
    """Train; what an interrupted run with other settings left gives way, as this folder is the main job's own."""
    from eclip.schema import MODEL_RUN

    try:
        train(store, out=out, **settings)
    except OtherRunError:
        say("the settings of an unfinished training have changed: it starts anew")
        shutil.rmtree(out / MODEL_RUN)
        train(store, out=out, **settings)


def _training_config(training: dict[str, Any]) -> dict[str, Any]:
    """Everything that decides the training; what a recipe's file or the first model hold, not their names."""
    from eclip.train.recipes import load_recipe

    config = load_recipe(training["recipe"], encoder=training.get("encoder"), seed=training["seed"])
    init = training.get("init")
    return {**config.identity(), "init": model_digest(Path(init)) if init else None}
