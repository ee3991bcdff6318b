"""`eclip train`: a store trains a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclip.commands.arguments import SourceArgument, require_own_folder, require_positive, require_seed
from eclip.errors import ConfigError
from eclip.files import writing

if TYPE_CHECKING:
    from eclip.train.config import TrainConfig
    from eclip.train.loop import TrainSummary
    from eclip.train.pairs import TrainingSource
    from eclip.train.selfcheck import SelfCheck


def train(
    source: SourceArgument,
    /,
    *,
    out: Path,
    recipe: str = "small",
    set: tuple[str, ...] = (),
    encoder: str | None = None,
    init: Path | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int | None = None,
    plain_clip: bool = False,
    self_check: bool = False,
) -> TrainSummary | SelfCheck:
    """Train a dual encoder on a store's own pictures and titles, or on titles of same products alone.

    Interrupted at any time, the same command goes on from the last checkpoint (one a minute).

    Args:
        source: A store made by `eclip prepare`; or, with recipe text, a file of pairs: `left TAB right TAB 0/1`
            in COL/VAL form, or CSV with the columns left, right and label.
        out: Model folder to write.
        recipe: tiny (from scratch, minutes), small (pretrained towers, for real feeds), locked (frozen picture trunk,
            minutes on a laptop), text (titles alone), base (a GPU), paper (several) or a FILE.toml.
        set: Fields of the recipe to change, FIELD=VALUE each: optimizer.lr=2e-3 batch.size=1024.
        encoder: Any open_clip model under the recipe, such as ViT-B-32:laion2b_s34b_b79k or hf-hub:owner/name.
        init: Model folder to continue from, on new listings.
        minutes: Longest time for training; the learning rate follows the clock. Default: the recipe's epochs.
        steps: Exact number of steps instead, for comparisons at equal budget.
        seed: Decides weights, order and crops, whatever the recipe says; default: the recipe's.
        plain_clip: Ignore catalogs in the loss, for comparison.
        self_check: Train nothing: compare the gradients of one step in chunks with those of one whole batch.
    """
    from eclip.schema import MODEL_MANIFEST, MODEL_RUN

    require_positive("minutes", minutes)
    require_positive("steps", steps)
    require_seed(seed)
    if init and encoder:
        raise ConfigError("--encoder and --init exclude each other: a model that is continued keeps its towers")
    require_own_folder("out", Path(out), marks=(MODEL_MANIFEST, MODEL_RUN))
    from eclip.products.store import Store
    from eclip.train.pairsource import open_pairs
    from eclip.train.ranks import joined_ranks
    from eclip.train.recipes import load_recipe
    from eclip.train.trainer import train_model

    plain = ["targets.kind=identity"] if plain_clip else []
    config = load_recipe(str(recipe), settings=[*set, *plain], encoder=encoder, seed=seed)
    with writing(Path(out)), joined_ranks(timeout_seconds=config.watch.rank_timeout_seconds) as ranks:
        opened = open_pairs(Path(source)) if Path(source).is_file() else Store.open(source)
        if self_check:
            return _self_check(opened, config, init, world_size=ranks.world_size)
        return train_model(
            opened,
            Path(out),
            config,
            minutes=minutes,
            total_steps=steps,
            init=Path(init) if init else None,
            ranks=ranks,
        )


def _self_check(store: TrainingSource, config: TrainConfig, init: Path | None, *, world_size: int) -> SelfCheck:
    from eclip.train.selfcheck import check_step

    if world_size > 1:
        raise ConfigError(f"--self-check runs on one process, found {world_size}: leave torchrun away")
    return check_step(store, config, init=Path(init) if init else None)
