"""The jobs of the kill drills: commands that write a store or a model, and what they start from."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

JOBS = ("prepare", "replace", "update", "remove", "daily")
LONGEST_SECONDS = 300


@dataclass(frozen=True)
class Job:
    """A command that writes a store or a model, and the folder that it starts from.

    Attributes:
        name: One of `JOBS`, or train.
        start: Copied to where the command works; holds what was there before.
        words: The command; `{folder}` stands for where it works.
    """

    name: str
    start: Path
    words: tuple[str, ...]

    def command(self, folder: Path) -> list[str]:
        """The command's words at work in a folder."""
        return [word.format(folder=folder) for word in self.words]


def draw_feeds(place: Path, products: int) -> None:
    """A sample shop with some bad rows, and tomorrow's feed of it: rows changed, gone, new and bad."""
    done("sample", str(place / "shop"), "--products", str(products), "--sellers", "5")
    feed = place / "shop" / "feed.csv"
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
    write_rows(place / "shop" / "next.csv", header, [*rows[len(rows) // 5 :], *new, rows[-1], ["still", "too", "few"]])


def write_rows(path: Path, header: list[str], rows: list[list[str]]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def make_job(name: str, place: Path) -> Job:
    """A job and the folder that it starts from."""
    start, shop = place / f"{name}-start", place / "shop"
    feed, tomorrow, store = str(shop / "feed.csv"), str(shop / "next.csv"), "{folder}/store"
    start.mkdir()
    if name == "prepare":
        return Job(name, start, ("prepare", feed, "--store", store))
    if name == "replace":
        done("prepare", feed, "--store", str(start / "store"))
        return Job(name, start, ("prepare", tomorrow, "--store", store))
    if name == "daily":
        recipe = place / "recipe.toml"
        recipe.write_text('recipe = "tiny"\nimage_size = 32\nepochs = 1\nbatch.size = 32\n')
        done("run", feed, "--out", str(place / "out"), "--recipe", str(recipe))
        shutil.copytree(place / "out" / "store", start / "store")
        model, out = str(place / "out" / "model"), "{folder}/answers.parquet"
        return Job(name, start, ("daily", tomorrow, "--store", store, "--model", model, "--out", out))
    done("prepare", feed, "--store", str(start / "store"))
    more = ("--remove-missing",) if name == "remove" else ()
    return Job(name, start, ("prepare", tomorrow, "--store", store, "--update", *more))


def make_train_job(place: Path, *, products: int, steps: int, batch_size: int) -> Job:
    """A short training run on a sample shop, with averaged weights, category blocks and many checkpoints."""
    start, store = place / "train-start", str(place / "store")
    start.mkdir()
    done("sample", str(place / "shop"), "--products", str(products), "--sellers", "5")
    done("prepare", str(place / "shop" / "feed.csv"), "--store", store)
    fields = ("image_size=16", f"batch.size={batch_size}", "blocks.share=0.5", "blocks.size=4")
    fields = (*fields, "optimizer.ema_decay=0.9", "checkpoints.every_seconds=0.2")
    words = ("train", store, "--out", "{folder}/model", "--recipe", "tiny", "--steps", str(steps), "--set", *fields)
    return Job("train", start, words)


def done(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed."""
    command = [sys.executable, "-m", "eclip", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=LONGEST_SECONDS)
