"""The jobs of the kill drills: commands that write a store, a model or answers, and what they start from."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.drills.states import (
    Look,
    answers_state,
    embedded_state,
    index_state,
    store_state,
    tasks_state,
)
from benchmarks.drills.warm import start

STORE_JOBS = ("prepare", "replace", "update", "remove")
MODEL_JOBS = ("daily", "embed", "fit", "index", "enrich")
JOBS = (*STORE_JOBS, *MODEL_JOBS)
LONGEST_SECONDS = 900


@dataclass(frozen=True)
class Job:
    """A command that writes a store or a model, and the folder that it starts from.

    Attributes:
        name: One of `JOBS`, or train.
        start: Copied to where the command works; holds what was there before.
        words: The command; `{folder}` stands for where it works.
        look: What a reader finds in a folder.
        commits: Whether what a reader finds changes at once, part by part (task by task), or in steps of its own
            that are not told apart here (a day is an update, an embedding and answers).
    """

    name: str
    start: Path
    words: tuple[str, ...]
    look: Look = store_state
    commits: str = "once"

    def command(self, folder: Path) -> list[str]:
        """The command's words at work in a folder."""
        return [word.format(folder=folder) for word in self.words]


@dataclass(frozen=True)
class Shop:
    """A small sample shop with some bad rows, tomorrow's feed of it, and a store and a model; made when asked for.

    Attributes:
        folder: Where all of it lies.
        products: How many different ones; listings are two to three times as many.
    """

    folder: Path
    products: int = 24

    @property
    def feed(self) -> Path:
        """Today's."""
        return self._made(self.folder / "shop", self._draw) / "feed.csv"

    @property
    def next_feed(self) -> Path:
        """Tomorrow's: rows changed, gone, new and bad."""
        return self.feed.with_name("next.csv")

    @property
    def store(self) -> Path:
        """Of today's feed, without vectors."""
        return self._made(self.folder / "store", lambda path: done("prepare", str(self.feed), "--store", str(path)))

    @property
    def model(self) -> Path:
        """Trained a few steps; no task is fitted."""
        return self._made(self.folder / "model", self._train)

    @property
    def embedded(self) -> Path:
        """The store with the model's vectors."""
        return self._made(self.folder / "embedded", self._embed)

    @property
    def fitted(self) -> Path:
        """The model with its tasks."""
        return self._made(self.folder / "fitted", self._fit)

    def _made(self, path: Path, make: Callable[[Path], object]) -> Path:
        """Make it if it is not there; under another name first, as a drill may be stopped."""
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f"{path.name}-begun")
            shutil.rmtree(aside, ignore_errors=True)
            make(aside)
            aside.rename(path)
        return path

    def _draw(self, folder: Path) -> None:
        done("sample", str(folder), "--products", str(self.products), "--sellers", "5")
        draw_feeds(folder)

    def _train(self, folder: Path) -> None:
        fields = ("image_size=16", "batch.size=16")
        done("train", str(self.store), "--out", str(folder), "--recipe", "tiny", "--steps", "6", "--set", *fields)

    def _embed(self, folder: Path) -> None:
        shutil.copytree(self.store, folder)
        done("embed", str(folder), "--model", str(self.model), "--backend", "torch")

    def _fit(self, folder: Path) -> None:
        shutil.copytree(self.model, folder)
        done("fit", str(self.embedded), "--model", str(folder))


def draw_feeds(shop: Path) -> None:
    """Bad rows into the feed of a sample shop, and tomorrow's feed beside it."""
    feed = shop / "feed.csv"
    with feed.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    write_rows(feed, header, [*rows, rows[0], ["too", "few"], ["lonely", *[""] * (len(header) - 1)]])
    title, price = header.index("title"), header.index("price")
    for number, row in enumerate(rows):
        row[title] += " renewed" if number % 7 == 0 else ""
        row[price] = "1" if number % 11 == 0 else row[price]
    new = [[f"new-{number}", *row[1:]] for number, row in enumerate(rows[:10])]
    for row in new:
        row[header.index("gtin")] = "5901234123457"  # another product's: given catalogs are contradicted from now on
    write_rows(shop / "next.csv", header, [*rows[len(rows) // 5 :], *new, rows[-1], ["still", "too", "few"]])


def write_rows(path: Path, header: list[str], rows: list[list[str]]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def make_job(name: str, place: Path, shop: Shop) -> Job:
    """A job and the folder that it starts from."""
    start = place / f"{name}-start"
    shutil.rmtree(start, ignore_errors=True)
    start.mkdir(parents=True)
    return store_job(name, start, shop) if name in STORE_JOBS else model_job(name, start, shop)


def store_job(name: str, start: Path, shop: Shop) -> Job:
    """A job that needs no model."""
    store = "{folder}/store"
    if name == "prepare":
        return Job(name, start, ("prepare", str(shop.feed), "--store", store))
    shutil.copytree(shop.store, start / "store")
    if name == "replace":
        return Job(name, start, ("prepare", str(shop.next_feed), "--store", store))
    more = ("--remove-missing",) if name == "remove" else ()
    return Job(name, start, ("prepare", str(shop.next_feed), "--store", store, "--update", *more))


def model_job(name: str, start: Path, shop: Shop) -> Job:
    """A job that a model takes part in."""
    store, out = "{folder}/store", "{folder}/answers.jsonl"
    if name == "daily":
        shutil.copytree(shop.embedded, start / "store")
        more = ("--store", store, "--model", str(shop.fitted), "--out", "{folder}/answers.parquet")
        return Job(name, start, ("daily", str(shop.next_feed), *more), commits="in steps")
    if name == "embed":
        shutil.copytree(shop.store, start / "store")
        words = ("embed", store, "--model", str(shop.model), "--backend", "torch")
        return Job(name, start, words, look=embedded_state)
    if name == "fit":
        shutil.copytree(shop.fitted, start / "model")  # fitted before, otherwise
        words = ("fit", str(shop.embedded), "--model", "{folder}/model", "--seed", "1")
        return Job(name, start, words, look=tasks_state, commits="part by part")
    if name == "index":
        shutil.copytree(shop.embedded, start / "store")
        done("index", str(start / "store"), "--model", str(shop.model), "--kind", "exact")  # the one before
        words = ("index", store, "--model", str(shop.model), "--kind", "ivf")
        return Job(name, start, words, look=index_state)
    words = ("enrich", str(shop.next_feed), "--model", str(shop.fitted), "--store", str(shop.embedded), "--out", out)
    return Job(name, start, words, look=answers_state)


def make_train_job(place: Path, shop: Shop, *, steps: int, batch_size: int) -> Job:
    """A short training run on a sample shop, with averaged weights, category blocks and many checkpoints."""
    start = place / "train-start"
    shutil.rmtree(start, ignore_errors=True)
    start.mkdir(parents=True)
    fields = ("image_size=16", f"batch.size={batch_size}", "blocks.share=0.5", "blocks.size=4")
    fields = (*fields, "optimizer.ema_decay=0.9", "checkpoints.every_seconds=0.2")
    words = ("train", str(shop.store), "--out", "{folder}/model", "--recipe", "tiny", "--steps", str(steps))
    return Job("train", start, (*words, "--set", *fields))


class FailedError(Exception):
    """A command that must succeed did not; its text is the last line that it said."""


def done(*words: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a command that must succeed; what it said beside its result.

    Args:
        words: Of its command line.
        environment: More of it.

    Raises:
        FailedError: It did not.
    """
    status, said = start(words, environment=environment).communicate(LONGEST_SECONDS)
    if status:
        raise FailedError(f"status {status}: {said.splitlines()[-1] if said else ''}")
    return said
