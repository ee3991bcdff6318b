"""One small shop goes through the whole main job once; the tests work on copies of what it left."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commandline import Result, done

RECIPE = """
recipe = "tiny"
image_size = 32
epochs = 2
batch.size = 32
"""


@pytest.fixture(scope="session")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The main job, once a test session; read it, copy it, change nothing in it."""
    folder = tmp_path_factory.mktemp("main-job")
    done("sample", folder / "shop", "--products", 60, "--sellers", 5)
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    first = done("run", folder / "shop" / "feed.csv", "--out", folder / "out", "--recipe", recipe)
    return Result(folder, folder / "shop", recipe, first)


@pytest.fixture
def out(result: Result, tmp_path: Path) -> Path:
    """A copy of all that the main job made."""
    return Path(shutil.copytree(result.out, tmp_path / "out"))


@pytest.fixture
def store(result: Result, tmp_path: Path) -> Path:
    """A copy of the store, with vectors of `model`."""
    return Path(shutil.copytree(result.out / "store", tmp_path / "store"))


@pytest.fixture
def model(result: Result, tmp_path: Path) -> Path:
    """A copy of the model with its tasks; what its training kept is left out."""
    return Path(shutil.copytree(result.out / "model", tmp_path / "model", ignore=shutil.ignore_patterns("run")))


@pytest.fixture(scope="session")
def bare_store(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without vectors; change nothing in it."""
    path = tmp_path_factory.mktemp("bare") / "store"
    done("prepare", result.feed, "--store", path)
    return path


@pytest.fixture(scope="session")
def other_model(result: Result, bare_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second model of the same store, without fitted tasks; change nothing in it."""
    path = tmp_path_factory.mktemp("other") / "model"
    done("train", bare_store, "--out", path, "--recipe", result.recipe, "--steps", 1, "--seed", 7)
    return path


@pytest.fixture
def write_feed(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a feed by its name and text."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write
