"""A built wheel works where there is no checkout: it is put into an empty folder, and its own files are what runs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import eclip

ROOT = Path(eclip.__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="a wheel is built from a checkout"),
]
NOT_CODE = (".html", ".css", ".js", ".json", ".svg")
# What a user reaches without a store: the command line, a page, a drawn feed.
OUTSIDE = """
import contextlib, io, sys
from importlib.resources import files
import eclip
from eclip.cli import main

assert eclip.__file__.startswith(sys.argv[1]), eclip.__file__
assert eclip.__version__ in open(sys.argv[2]).read()
for arguments in (["--help"], ["demo", "--help"], ["--version"]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main(arguments)
    assert "eclip" in said.getvalue()
assert "<!doctype html>" in (files("eclip") / "serve" / "page" / "index.html").read_text()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as pip builds it, from a copy, since setuptools leaves a folder `build` where it works."""
    pytest.importorskip("setuptools", "77", reason="the environment has no setuptools that builds")
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files", "-z", "src"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git here that lists what is in the checkout")
    for name in ["pyproject.toml", "README.md", "LICENSE", *filter(None, listed.stdout.split("\0"))]:
        if (ROOT / name).is_file():
            (folder / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "copy" / name).write_bytes((ROOT / name).read_bytes())
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", build, folder], cwd=folder / "copy", capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        held = set(opened.namelist())
    package = ROOT / "src"
    wanted = {
        path.relative_to(package).as_posix()
        for path in (package / "eclip").rglob("*")
        if path.suffix in (*NOT_CODE, ".py", ".typed") and "__pycache__" not in path.parts
    }
    assert wanted <= held, sorted(wanted - held)
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert len([name for name in wanted if name.endswith(NOT_CODE)]) > 30
    assert "eclip/py.typed" in held


def test_wheel_runs_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "site")  # what pip install --no-deps --target does with plain files
    (metadata,) = (tmp_path / "site").glob("*.dist-info/METADATA")
    assert "eclip = eclip.__main__:main" in (metadata.parent / "entry_points.txt").read_text()
    run = subprocess.run(
        [sys.executable, "-c", OUTSIDE, tmp_path / "site", metadata],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
