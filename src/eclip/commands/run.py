"""`eclip run`: the main job, from a feed to a report. Each stage that is done is not done again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclip.commands.arguments import FeedArgument, require_positive
from eclip.commands.embed import embed
from eclip.commands.evaluate import EvaluateSummary, evaluate, read_evaluation
from eclip.commands.fit import fit
from eclip.commands.prepare import prepare
from eclip.commands.train import train
from eclip.console import say
from eclip.files import write_text
from eclip.schema import MODEL_TASKS, REPORT_PAGE

if TYPE_CHECKING:
    from eclip.products.prepare import FeedForecast

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
    recipe: str = "small",
    encoder: str | None = None,
    init: Path | None = None,
    minutes: float | None = None,
    seed: int = 0,
    compare_clip: bool = False,
    dry_run: bool = False,
) -> RunSummary | FeedForecast:
    """The main job: from a feed to a store, a model, five tasks and a report.

    Stopped at any time, the same command goes on where it was.

    Args:
        feed: CSV, TSV, JSONL or Parquet.
        out: Folder to make: store, model, report.
        images: Folder of the pictures that the feed names; the feed's own folder by default.
        columns: NAME=COLUMN,... as in `eclip prepare`.
        category_separator: What parts the levels of a category path, as in `eclip prepare`.
        recipe: tiny (from scratch, minutes), small (pretrained towers) or a FILE.toml.
        encoder: Any open_clip model under the recipe.
        init: Model folder to continue from.
        minutes: Longest time for training; default: the recipe's epochs.
        seed: Decides everything random.
        compare_clip: Train a second model with plain CLIP's loss for as many steps, for the report.
        dry_run: Only say rows, bytes and expected time.
    """
    require_positive("minutes", minutes)
    feeding: dict[str, Any] = {"images": images, "columns": columns, "category_separator": category_separator}
    if dry_run:
        from eclip.products.prepare import plan_feed

        return plan_feed(Path(feed), **feeding)
    training: dict[str, Any] = {"recipe": recipe, "encoder": encoder, "init": init, "seed": seed}
    return run_stages(Path(feed), Path(out), feeding, training, minutes=minutes, compare_clip=compare_clip)


def run_stages(
    feed: Path,
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
    from eclip.train.config import load_recipe

    load_recipe(str(training["recipe"]))  # a wrong recipe is told before anything long begins
    store, model, clip, report = out / "store", out / "model", out / "plain_clip", out / "report"
    seed = training["seed"]
    stages = Stages(out)
    stages.do("prepare", {**_file_identity(feed), **feeding}, store, lambda: prepare(feed, store=store, **feeding))
    stages.do(
        "train", {**training, "minutes": minutes}, model, lambda: train(store, out=model, minutes=minutes, **training)
    )
    if compare_clip:
        steps = read_manifest(model)["facts"]["run_steps"]
        stages.do(
            "plain CLIP",
            {**training, "steps": steps},
            clip,
            lambda: train(store, out=clip, steps=steps, plain_clip=True, **training),
        )
    stages.do("embed", {}, store, lambda: embed(store, model=model))
    stages.do("fit", {"seed": seed}, model / MODEL_TASKS, lambda: fit(store, model=model, seed=seed))
    compared = clip if compare_clip else None
    stages.do(
        "evaluate",
        {"seed": seed, "compare": compared},
        report / REPORT_PAGE,
        lambda: evaluate(store, model=model, out=report, compare=compared, seed=seed),
    )
    return RunSummary(store, model, read_evaluation(report))


class Stages:
    """Which stages of a run are done, and with what; kept in OUT/run.json.

    A stage is done again when its settings changed, its artefact is gone or the stage before it was done again.
    """

    def __init__(self, out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.file = out / STAGES_DONE
        self.done: dict[str, str] = {}
        if self.file.is_file():
            self.done = json.loads(self.file.read_text(encoding="utf-8"))
        self.before = ""

    def do(self, name: str, settings: dict[str, Any], artefact: Path, work: Callable[[], object]) -> None:
        """Do one stage unless it is done; say so if it is."""
        content = repr((sorted((key, str(value)) for key, value in settings.items()), self.before))
        identity = hashlib.sha256(content.encode()).hexdigest()[:16]
        if self.done.get(name) == identity and artefact.exists():
            say(f"{name}: done before, kept")
        else:
            self._write({stage: known for stage, known in self.done.items() if stage != name})
            work()
            self._write({**self.done, name: identity})
        self.before = identity

    def _write(self, done: dict[str, str]) -> None:
        self.done = done
        write_text(self.file, json.dumps(done, indent=2))


def _file_identity(feed: Path) -> dict[str, Any]:
    if not feed.is_file():
        return {"feed": feed}  # preparing says what is wrong with it
    stat = feed.stat()
    return {"feed": feed.resolve(), "bytes": stat.st_size, "changed": stat.st_mtime_ns}
